"""Sends the mails that wait, some at a time.

A mail that cannot be sent is tried again for a day. Two workers never send the same
one; one that dies in the middle may have sent it, and another does so again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from callboard import ids
from callboard.notices import digest, envelope, forgotten, mail, standing, waiting
from callboard.notices.letters import Facts, Letter, Now
from callboard.notices.links import Links
from callboard.notices.mailer import Mailer, MailError
from callboard.notices.tables import Notice
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

# What is due and was not taken waits for what it is to tell of, or is another's.
_NOT_READY = timedelta(seconds=0.5)

_Still = tuple[Notice, Webhook | None]
_Sent = tuple[Sequence[Notice], str, str, datetime]  # subject, text, when

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Postman:
    """One worker's. `send_due` and `next_due` are for one caller at a time."""

    worker: str
    mailer: Mailer
    links: Links
    clock: Callable[[], datetime]
    _unrecorded: dict[int, _Sent] = field(default_factory=dict)

    async def send_due(self) -> datetime | None:
        """Sends some of the mails that are due. Returns when there may be more to send;
        None while no mail waits."""
        for first in [*self._unrecorded]:
            await self._record(first)
        now = self.clock()
        taken = await waiting.take(self.worker, now)
        # Whatever befalls one, all have ended: what is left is taken again.
        mails = (self._deliver(each) for each in taken)
        for end in await asyncio.gather(*mails, return_exceptions=True):
            if end is not None:
                raise end
        if taken:
            return now
        due = await self.next_due()
        return due and max(due, now + _NOT_READY)

    async def next_due(self) -> datetime | None:
        """Of what no other worker is sending."""
        return await waiting.next_due(self.worker)

    async def _deliver(self, notices: Sequence[Notice]) -> None:
        """Sends them as one mail, without those that nobody need hear of any more."""
        found = await _still(notices, self.clock())
        if not found:
            return
        good = [notice for notice, _ in found]
        try:
            subject, text = await self._send(found)
        except MailError as problem:
            log.warning("notice.failed", extra={"notice": good[0].id})
            await waiting.failed(good, str(problem), self.clock())
            return
        self._unrecorded[good[0].id] = good, subject, text, self.clock()
        await self._record(good[0].id)
        extra = {"notice": good[0].id, "kind": good[0].kind, "notices": len(good)}
        log.info("notice.sent", extra=extra)

    async def _record(self, first: int) -> None:
        """What went out is remembered until it is recorded: where the database is away
        just now it is still not sent twice."""
        await waiting.sent(*self._unrecorded[first])
        del self._unrecorded[first]

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
        return letter.subject, forgotten.without_link(notice, letter, text)

    async def _letter(self, found: Sequence[_Still]) -> tuple[Letter, str]:
        """The letter, and the link for those who want no more of them; empty for
        members."""
        told, known = [], dict[str, Now]()
        for notice, row in found:
            facts = msgspec.json.decode(notice.facts, type=Facts)
            if notice.webhook not in known:
                known[notice.webhook] = await self._look(notice, row, facts)
            told.append((facts, known[notice.webhook]))
        notice, (facts, now) = found[0][0], told[0]
        if len(told) == 1:
            return mail.write(notice.kind, facts, now), now.unsubscribe
        page = self.links.page(f"/webhooks?q={quote(notice.host)}")
        if len(known) == 1:
            return digest.write(notice.kind, told, now.failed), now.unsubscribe
        to = f"{notice.account} {notice.host}"
        link = self.links.unsubscribe(to, notice.recipient) if now.unsubscribe else ""
        return digest.write(notice.kind, told, page), link

    async def _look(self, notice: Notice, row: Webhook | None, facts: Facts) -> Now:
        if notice.kind == forgotten.KIND:
            return await forgotten.look(self.links, notice, self.clock())
        return await standing.look(self.links, notice, row, facts)


async def _still(notices: Sequence[Notice], now: datetime) -> list[_Still]:
    """Those that are still to be told, with their webhooks. Of the others it is written
    down why they are not."""
    names = list({each.webhook for each in notices})
    rows = {
        row.id: row for row in await Webhook.objects().where(Webhook.id.is_in(names))
    }
    found = []
    for notice in notices:
        row = rows.get(notice.webhook)
        if why := _late(notice, row, now):
            await waiting.give_up(notice, why)
        else:
            found.append((notice, row))
    return found


def _late(notice: Notice, row: Webhook | None, now: datetime) -> str:
    if forgotten.is_late(notice, now):
        return "It was asked for too long before this could be sent."
    if row is None:
        return "The webhook was deleted before this was sent." if notice.webhook else ""
    if row.state == WebhookState.DELETED:
        return "The webhook was deleted before this was sent."
    if notice.recipient not in msgspec.json.decode(row.recipients, type=list[str]):
        return "The recipient was taken off before this was sent."
    if notice.kind == "failing" and row.cause:
        return "The webhook was deactivated before this was sent."
    return ""
