"""Sends the mails that wait: when rung, and by itself every few seconds.

A mail that cannot be sent is tried again for a day. Two workers never send the same
one at once; one that dies in the middle may have sent it, and another does so again.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from callboard import ids
from callboard.database import reading, writing
from callboard.errors import Unavailable
from callboard.health import reading as health
from callboard.notices import mail
from callboard.notices.links import Links
from callboard.notices.mail import Facts, Now
from callboard.notices.mailer import Mailer, MailError
from callboard.notices.tables import Notice
from callboard.webhooks import lifecycle
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

_AT_ONCE = 20
_LOOKS_EVERY = 2.0
_LEASE = timedelta(minutes=2)
_GIVES_UP = timedelta(days=1)
_LONGEST_WAIT = timedelta(hours=1)
# So long a mail waits for the deliveries that it counts to be held.
_SETTLES = timedelta(seconds=30)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Postman:
    mailer: Mailer
    links: Links
    clock: Callable[[], datetime]
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Until cancelled. An outage of the database ends nothing."""
        while True:
            try:
                await self.send_due()
            except Unavailable:
                log.warning("notices.database_away")
            await asyncio.sleep(_LOOKS_EVERY)

    async def send_due(self) -> None:
        async with self._alone:
            while taken := await _take(self.clock()):
                await asyncio.gather(*(self._deliver(each) for each in taken))

    async def _deliver(self, notice: Notice) -> None:
        row = await Webhook.objects().get(Webhook.id == notice.webhook)
        if notice.webhook and (row is None or row.state == WebhookState.DELETED):
            await _give_up(notice, "The webhook was deleted before this was sent.")
            return
        if row is not None and notice.recipient not in _chosen(row):
            await _give_up(notice, "The recipient was taken off before this was sent.")
            return
        try:
            subject, text = await self._send(notice, row)
        except MailError as problem:
            log.warning("notice.failed", extra={"notice": notice.id})
            await _failed(notice, str(problem), self.clock())
            return
        await _sent(notice, subject, text, self.clock())
        log.info("notice.sent", extra={"notice": notice.id, "kind": notice.kind})

    async def _send(self, notice: Notice, row: Webhook | None) -> tuple[str, str]:
        facts = msgspec.json.decode(notice.facts, type=Facts)
        now = await self._now(notice, row, facts)
        letter = mail.write(notice.kind, facts, now)
        name = f"notice-{ids.from_sequence('ntc', notice.id)}"
        written, text = mail.message(
            letter,
            self.mailer.mail_from,
            notice.address,
            f"{name}.{round(notice.created_at.timestamp())}",
            now.unsubscribe,
            self.clock(),
        )
        await self.mailer.send(written, notice.address, name)
        return letter.subject, text

    async def _now(self, notice: Notice, row: Webhook | None, facts: Facts) -> Now:
        if row is None:
            return Now(page=self.links.page("/"))
        failing = await health.of_webhook(row)
        page = f"/deliveries/{facts.delivery}" if facts.delivery else ""
        days = timedelta(days=row.hold_days)
        return Now(
            rule=health.in_words(health.rule_of(row)),
            waiting=await _waiting(row.id),
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


async def _take(now: datetime) -> list[Notice]:
    """Leases what is due: if we die, somebody tries again after a while."""
    async with writing() as db:
        rows = await db.fetch(
            """
            UPDATE notice SET due = :until, tries = tries + 1 WHERE id IN (
                SELECT id FROM notice WHERE due <= :now AND NOT (
                    kind = 'deactivated' AND created_at > :settles AND EXISTS (
                        SELECT 1 FROM turn t WHERE t.webhook = notice.webhook
                        AND t.follow IS NOT NULL))
                ORDER BY due LIMIT :most FOR UPDATE SKIP LOCKED)
            RETURNING id
            """,
            now=now,
            until=now + _LEASE,
            settles=now - _SETTLES,
            most=_AT_ONCE,
        )
    if not rows:
        return []
    return await Notice.objects().where(Notice.id.is_in([row["id"] for row in rows]))


async def _sent(notice: Notice, subject: str, text: str, now: datetime) -> None:
    await _settle(notice, sent_at=now, due=None, error="", subject=subject, text=text)


async def _failed(notice: Notice, error: str, now: datetime) -> None:
    wait = min(timedelta(seconds=15 * 2**notice.tries), _LONGEST_WAIT)
    over = now + wait > notice.created_at + _GIVES_UP
    await _settle(notice, due=None if over else now + wait, error=error)


async def _give_up(notice: Notice, error: str) -> None:
    await _settle(notice, due=None, error=error)


async def _settle(notice: Notice, **values: object) -> None:
    columns = {getattr(Notice, name): value for name, value in values.items()}
    async with writing():
        await Notice.update(columns).where(Notice.id == notice.id)


async def _waiting(webhook: str) -> int:
    async with reading() as db:
        return await lifecycle.held_count(db, webhook)


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
