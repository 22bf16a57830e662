"""A day at a company that never was: its events go through the real engine, under a
clock that skips, to receivers that are made up."""

import asyncio
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from math import pi, sin
from random import Random
from typing import Any
from urllib.parse import urlsplit

from callboard.accounts import accounts, keys, members
from callboard.accounts.actor import Actor
from callboard.accounts.members import Role
from callboard.accounts.tables import Member
from callboard.delivery.calls.request import Call
from callboard.delivery.calls.sender import Sender
from callboard.ingest import NewEvent
from callboard.outcome import ErrorClass, Outcome
from callboard.runtime import Runtime
from tests import make
from tests.clock import SkippingClock
from tests.engine import Engine, eventually
from tests.receiver import Receiver

HOURS = 24
TYPES = {
    "booking.created": 38,
    "booking.changed": 24,
    "guest.updated": 5,
    "invoice.paid": 18,
    "newsletter.sent": 8,
    "price.changed": 3,
}
_ONCE: dict[str, Any] = {"schedule": (), "deactivate_after": None}
SHOPS = ("Berlin", "Paris", "Rome")


@dataclass
class MadeUp(Sender):
    """`left`: hours until the end of the day, which trouble keeps to."""

    left: float = HOURS
    rng: Random = field(default_factory=lambda: Random(7))  # noqa: S311

    async def send(self, call: Call, tls: ssl.SSLContext | None = None) -> Outcome:
        seconds = self.rng.uniform(0.004, 0.02)
        await asyncio.sleep(seconds)
        host = urlsplit(call.url).hostname or ""
        if host.startswith("shops.") and self.left < 0.8:
            return Outcome(error=ErrorClass.REFUSED, detail="It refused to connect.")
        return Outcome(status=self._status(host), body=b"{}", seconds=seconds)

    def _status(self, host: str) -> int:
        if host.startswith("crm.") and self.left < 5:
            return 503
        if host.startswith("news."):
            chance = 0.3 if 2 < self.left < 3 else 0.02
            return 500 if self.rng.random() < chance else 200
        return 502 if self.rng.random() < 0.006 else 200


async def company(runtime: Runtime, receiver: Receiver) -> tuple[Engine, Member]:
    """Its account as it stood a day ago, and who owns it."""
    assert isinstance(runtime.clock, SkippingClock)
    runtime.clock.skip(-HOURS * 3600)
    account = (await accounts.add("Acme Travel", runtime.clock())).id
    by = Actor(account, "setup", runtime.clock())
    ada = await members.add(
        by, "ada@acme.example", "Ada Byron", Role.OWNER, make.PASSWORD
    )
    for name in TYPES:
        await make.event_type(account, name)
    await keys.create(by, "Booking system", ["events:write"])
    engine = Engine(account, runtime, receiver)
    await _webhooks(engine, ada.id)
    return engine, ada


async def _webhooks(engine: Engine, ada: str) -> None:
    for name, host, events, more in [
        ("Booking feed", "feeds.example.com", ("booking.*",), {}),
        ("Data warehouse", "warehouse.example.com", ("booking.*", "invoice.paid"), {}),
        ("CRM sync", "crm.example.com", ("guest.updated",), {}),
        ("Accounting", "ledger.example.com", ("invoice.paid",), {}),
        ("Newsletter archive", "news.example.com", ("newsletter.sent",), _ONCE),
        *(
            (f"Shop {city}", "shops.example.com", ("price.changed",), {})
            for city in SHOPS
        ),
    ]:
        url = f"https://{host}/callboard"
        await engine.webhook(
            name=name, url=url, events=events, recipients=(ada,), **more
        )


async def pass_day(engine: Engine, sender: MadeUp) -> None:
    """Ends now: in quarters of an hour, the last of them in steps of three minutes."""
    rng = Random(11)  # noqa: S311  the same day each time
    assert isinstance(engine.runtime.clock, SkippingClock)
    for hours in [0.25] * (4 * HOURS - 1) + [0.05] * 5:
        sender.left -= hours
        engine.runtime.clock.skip(hours * 3600)
        events = _events(rng, engine.runtime.clock(), hours)
        for start in range(0, len(events), 25):
            await engine.post_all(events[start : start + 25])
            await _quiet(engine)


def _events(rng: Random, now: datetime, hours: float) -> list[NewEvent]:
    """As many as there are at that time of the day."""
    daylight = max(0.0, sin(pi * (now.hour + now.minute / 60 - 5) / 17))
    count = int((160 + 940 * daylight) * hours * rng.uniform(0.9, 1.1))
    types = rng.choices(list(TYPES), list(TYPES.values()), k=count)
    return [NewEvent(type, b'{"id": %d}' % rng.randrange(10**6)) for type in types]


async def _quiet(engine: Engine) -> None:
    """Until all is done that was to be done by now."""

    async def quiet() -> bool:
        return not await engine.rows(
            "SELECT 1 FROM delivery d JOIN turn t ON t.webhook = d.webhook"
            " LEFT JOIN health h ON h.webhook = t.webhook"
            " WHERE d.lease IS NOT NULL OR t.follow IS NOT NULL"
            " OR h.verdict IS NOT NULL"
            " OR (t.open AND d.state = 'pending' AND d.due <= :now) LIMIT 1",
            now=engine.runtime.clock(),
        )

    await eventually(quiet)
