"""How things stand when a mail is written, not when it was posted."""

import re
from datetime import datetime, timedelta

from callboard import ids
from callboard.database import Database, reading
from callboard.health import reading as health
from callboard.notices.letters import Facts, Now
from callboard.notices.links import Links
from callboard.notices.tables import Notice
from callboard.webhooks import lifecycle
from callboard.webhooks.tables import Webhook

_READ, _QUOTED = 4096, 160
_MARKUP = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]*>", re.DOTALL | re.I)
_LEADS_ELSEWHERE = re.compile(r"\S*(?://|www\.|@)\S*", re.I)


async def look(links: Links, notice: Notice, row: Webhook | None, facts: Facts) -> Now:
    if row is None:
        return Now(page=links.page("/"), link=links.page("/login/forgotten"))
    failing = await health.of_webhook(row)
    days = timedelta(days=row.hold_days)
    page = f"/deliveries/{facts.delivery}" if facts.delivery else f"/webhooks/{row.id}"
    async with reading() as db:
        waiting = await lifecycle.held_count(db, row.id)
        held_until = await _first_end(db, row.id)
        type, said = await _told(db, row.id, facts)
    return Now(
        rule=health.in_words(health.rule_of(row)),
        type=type,
        said=said,
        waiting=waiting,
        held_until=held_until,
        keeps=row.hold_days > 0,
        takes_until=row.state_since + days if row.cause else None,
        ends_at=failing.ends_at if failing else None,
        page=links.page(page),
        failed=links.page(f"/deliveries?webhook={row.id}&state=failed"),
        link=links.activate(row.id, notice.occasion),
        unsubscribe=links.unsubscribe(row.id, notice.recipient)
        if "@" in notice.recipient
        else "",
    )


def quoted(body: bytes) -> str:
    """What a receiver said, fit for a mail: one short line without markup and without
    anything that a mail program would make a link; empty for what is not text."""
    text = body[:_READ].decode(errors="replace").rstrip("\ufffd")  # cut in a character
    if "\ufffd" in text:
        return ""
    text = _LEADS_ELSEWHERE.sub("…", _MARKUP.sub(" ", text))
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1].rstrip()}…"


async def _first_end(db: Database, webhook: str) -> datetime | None:
    rows = await db.fetch(
        """
        SELECT held_until FROM delivery
        WHERE webhook = :webhook AND state = 'held' ORDER BY held_until LIMIT 1
        """,
        webhook=webhook,
    )
    return rows[0]["held_until"] if rows else None


async def _told(db: Database, webhook: str, facts: Facts) -> tuple[str, str]:
    """The event type of the delivery that the notice is about, or else of the first
    that waits; and what its receiver said last, if that is the answer it tells of."""
    rows = await db.fetch(
        """
        SELECT e.type, a.status, a.response_body FROM delivery d
        JOIN event e ON e.id = d.event LEFT JOIN attempt a ON a.delivery = d.seq
        WHERE d.seq = coalesce(CAST(:seq AS bigint), (SELECT seq FROM delivery
            WHERE webhook = :webhook AND state IN ('pending', 'held')
            ORDER BY seq LIMIT 1))
        ORDER BY a.number DESC LIMIT 1
        """,
        seq=ids.to_sequence("dlv", facts.delivery),
        webhook=webhook,
    )
    if not rows:
        return "", ""
    (row,) = rows
    is_it = row["status"] is not None and row["status"] == facts.last_status
    return row["type"], quoted(row["response_body"]) if is_it else ""
