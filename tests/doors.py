"""All doors of the application, and in alice's account something behind each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from litestar import Litestar
from litestar.routes import HTTPRoute

from callboard import ids
from callboard.accounts import keys, sessions
from callboard.delivery import by_hand
from callboard.delivery.tables import Delivery
from callboard.ingest import NewEvent
from callboard.replays import replays
from callboard.replays.selection import Selection
from callboard.runtime import Runtime
from callboard.schedule import Schedule
from callboard.webhooks import lifecycle, webhooks
from callboard.webhooks.settings import NewWebhook
from tests import make
from tests.cast import Person

SAFE = {"GET", "HEAD", "OPTIONS"}
TYPE = "contact.created"
# A token in the path is the right itself; anybody may read the others.
_OPEN_TO_ALL = ("token:str", "path:str", "file_path:path")
_PRESETS = ("/catalogue/presets", "/api/v1/presets")


@dataclass(frozen=True)
class Door:
    method: str
    path: str
    opt: dict[str, Any] = field(compare=False, hash=False)

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/v1")

    @property
    def is_page(self) -> bool:
        """One that somebody signs in for."""
        machines = ("/api", "/healthz", "/readyz", "/static")
        return not self.path.startswith(machines) and not self.opt.get("public")

    @property
    def is_safe(self) -> bool:
        return self.method in SAFE

    @property
    def takes(self) -> str:
        """The name of its body's shape."""
        shape = self.opt.get("takes")
        return str(shape.__name__) if shape else ""

    @property
    def parameter(self) -> str:
        """Empty where the path needs none, or one that is nobody's secret."""
        _, _, rest = self.path.partition("{")
        name = rest.partition("}")[0]
        free = name in _OPEN_TO_ALL or self.path.startswith(_PRESETS)
        return "" if free else name

    def filled(self, belongings: dict[str, str]) -> str:
        """With what stands in `belongings` for the longest start of the path."""
        start, brace, rest = self.path.partition("{")
        if not brace:
            return self.path
        return start + belongings[start.rstrip("/")] + rest.partition("}")[2]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def doors(app: Litestar) -> Iterator[Door]:
    for route in sorted(app.routes, key=lambda route: route.path):
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                    yield Door(str(method), route.path, dict(handler.opt))


async def belongings_of(person: Person, runtime: Runtime) -> dict[str, str]:
    """By the start of their paths, what a person has one of each of."""
    account, now = person.account, runtime.clock()
    by = person.at(now)
    await make.event_type(account, TYPE)
    webhook = await active_webhook(person, runtime, delivery=_SCHEDULE)
    events = [NewEvent(TYPE, b"{}")] * 2
    _, receipt = await runtime.acceptor.accept(account, events, now)
    cancelled, delivery = await Delivery.objects().order_by(Delivery.seq)
    await by_hand.cancel(by, ids.from_sequence("dlv", cancelled.seq))
    wanted = Selection(webhook=webhook, states=("cancelled",))
    keep = runtime.settings.retention
    replay = await replays.start(by, wanted, keep)
    key, _ = await keys.create(by, "tests", [])
    await sessions.start(person.member, now)
    session, *_ = await sessions.listed(person.member, now)
    found = {
        "webhooks": webhook,
        "events": receipt.id,
        "deliveries": ids.from_sequence("dlv", delivery.seq),
        "replays": replay.id,
        "settings/keys": key.id,
        "settings/members": person.member.id,
        "settings/sessions": session.id,
        "catalogue": TYPE,
        "event-types": TYPE,
        "catalogue/presets": "dialoginsight",
        "presets": "dialoginsight",
    }
    return {base + start: id for start, id in found.items() for base in _BASES}


_BASES = ("/", "/api/v1/")
_SCHEDULE = Schedule(15, 60, 1, False)


async def active_webhook(person: Person, runtime: Runtime, **more: Any) -> str:
    new = NewWebhook(url="https://r.example/", events=("*",), **more)
    by = person.at(runtime.clock())
    row, _ = await webhooks.create(by, new, runtime.vault, True)
    await lifecycle.activate(by, row.id, None)
    return row.id
