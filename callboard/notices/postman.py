"""Sends the mails that wait: when rung, and by itself every few seconds.

A mail that cannot be sent is tried again for a day. Two workers never send the same
one at once; one that dies in the middle may have sent it, and another does so again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from callboard import ids
from callboard.database import reading
from callboard.errors import Unavailable
from callboard.health import reading as health
from callboard.notices import digest, envelope, mail, waiting
from callboard.notices.links import Links
from callboard.notices.mail import Facts, Letter, Now
from callboard.notices.mailer import Mailer, MailError
from callboard.notices.tables import Notice
from callboard.webhooks import lifecycle
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

_LOOKS_EVERY = 2.0
_ALL = 1_000_000_000

_Still = tuple[Notice, Webhook | None]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Postman:
    mailer: Mailer
    links: Links
    clock: Callable[[], datetime]
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def stir(self) -> None:
        """There may be something to send."""
        self._stirred.set()

    async def run(self) -> None:
        """Until cancelled. An outage of the database ends nothing."""
        while True:
            self._stirred.clear()
            try:
                await self.send_due()
            except Unavailable:
                log.warning("notices.database_away")
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOKS_EVERY):
                    await self._stirred.wait()

    async def send_due(self) -> None:
        while taken := await waiting.take(self.clock()):
            await asyncio.gather(*(self._deliver(each) for each in taken))

    async def _deliver(self, notices: Sequence[Notice]) -> None:
        """In one mail; those that nobody need hear of any more are left out."""
        found = [each for notice in notices if (each := await _still(notice))]
        if not found:
            return
        good = [notice for notice, _ in found]
        try:
            subject, text = await self._send(found)
        except MailError as problem:
            log.warning("notice.failed", extra={"notice": good[0].id})
            await waiting.failed(good, str(problem), self.clock())
            return
        await waiting.sent(good, subject, text, self.clock())
        extra = {"notice": good[0].id, "kind": good[0].kind, "notices": len(good)}
        log.info("notice.sent", extra=extra)

    async def _send(self, found: Sequence[_Still]) -> tuple[str, str]:
        notice = found[0][0]
        letter, unsubscribe = await self._letter(found)
        name = f"notice-{ids.from_sequence('ntc', notice.id)}"
        written, text = envelope.message(
            letter,
            self.mailer.mail_from,
            notice.address,
            f"{name}.{round(notice.created_at.timestamp())}",
            unsubscribe,
            self.clock(),
        )
        await self.mailer.send(written, notice.address, name)
        return letter.subject, text

    async def _letter(self, found: Sequence[_Still]) -> tuple[Letter, str]:
        """And the link for those who want no more of them, empty for members."""
        told = []
        for notice, row in found:
            facts = msgspec.json.decode(notice.facts, type=Facts)
            told.append((facts, await self._now(notice, row, facts)))
        notice, (facts, now) = found[0][0], told[0]
        if len(told) == 1:
            return mail.write(notice.kind, facts, now), now.unsubscribe
        page = self.links.page(f"/webhooks?q={quote(notice.host)}")
        to = f"{notice.account} {notice.host}"
        link = self.links.unsubscribe(to, notice.recipient) if now.unsubscribe else ""
        return digest.write(notice.kind, told, page), link

    async def _now(self, notice: Notice, row: Webhook | None, facts: Facts) -> Now:
        if row is None:
            return Now(page=self.links.page("/"))
        failing = await health.of_webhook(row)
        page = f"/deliveries/{facts.delivery}" if facts.delivery else ""
        days = timedelta(days=row.hold_days)
        return Now(
            rule=health.in_words(health.rule_of(row)),
            waiting=await _held(row.id),
            held_until=await _first_end(row.id),
            takes_until=row.state_since + days if row.cause else None,
            ends_at=failing.ends_at if failing else None,
            page=self.links.page(page or f"/webhooks/{row.id}"),
            link=self.links.activate(row.id, notice.occasion),
            unsubscribe=self.links.unsubscribe(row.id, notice.recipient)
            if "@" in notice.recipient
            else "",
        )


def _chosen(row: Webhook) -> list[str]:
    return msgspec.json.decode(row.recipients, type=list[str])


async def _still(notice: Notice) -> _Still | None:
    """With its webhook; None where it is told no more, which is written down."""
    row = await Webhook.objects().get(Webhook.id == notice.webhook)
    if notice.webhook and (row is None or row.state == WebhookState.DELETED):
        why = "The webhook was deleted before this was sent."
    elif row is not None and notice.recipient not in _chosen(row):
        why = "The recipient was taken off before this was sent."
    else:
        return notice, row
    await waiting.give_up(notice, why)
    return None


async def _held(webhook: str) -> int:
    async with reading() as db:
        return await lifecycle.held_count(db, webhook, _ALL)


async def _first_end(webhook: str) -> datetime | None:
    async with reading() as db:
        rows = await db.fetch(
            """
            SELECT held_until FROM delivery
            WHERE webhook = :webhook AND state = 'held' ORDER BY seq LIMIT 1
            """,
            webhook=webhook,
        )
    return rows[0]["held_until"] if rows else None
