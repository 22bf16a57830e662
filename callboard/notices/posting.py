"""Who is told of what: one row for each recipient, once for each occasion.

Posting belongs to the transaction of what is told; sending comes after it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from piccolo.columns.combination import Or

from callboard.accounts.tables import Member
from callboard.database import Database, Rows, reading
from callboard.notices.letters import Facts
from callboard.notices.tables import Notice
from callboard.outcome import ErrorClass
from callboard.webhooks.tables import Webhook

_COLUMNS = {
    "account": "text",
    "webhook": "text",
    "kind": "text",
    "occasion": "text",
    "recipient": "text",
    "address": "text",
    "facts": "text",
    "created_at": "timestamptz",
    "due": "timestamptz",
    "tries": "int",
    "error": "text",
    "subject": "text",
    "text": "text",
    "host": "text",
}
# Of what befalls many at once people hear in one mail: so long it waits for the rest.
_TOGETHER = ("failing", "deactivated", "reminder", "recovered")
_COLLECTS = timedelta(minutes=1)
_MOST_LISTED = 1000
# Who wants to hear when a webhook begins to fail, wants to hear before, too.
_ASKED = {"certificate": "failing"}


async def post(
    db: Database,
    row: Webhook,
    kind: str,
    occasion: str,
    facts: Facts,
    now: datetime,
    lull: timedelta | None = None,
) -> None:
    """Tells each occasion once. `lull`: how long the mail waits for others of its kind.
    Without one it waits a little where other webhooks are called at the same host,
    since they may share its fate."""
    if _ASKED.get(kind, kind) not in _told_of(row):
        return
    known = msgspec.json.encode(facts).decode()
    is_theirs = facts.last_error != ErrorClass.TOKEN
    is_shared = lull is not None or (kind in _TOGETHER and is_theirs)
    host = facts.host[:255] if is_shared else ""
    if lull is None:
        collects = host and await _has_neighbours(db, row, host)
        lull = _COLLECTS if collects else timedelta()
    due = now + lull
    rows = [
        _row(row.account, row.id, kind, occasion, *person, known, now, due, host)
        for person in await addresses(row)
    ]
    await db.insert("notice", Rows(_COLUMNS, rows))


async def post_test(db: Database, member: Member, now: datetime) -> None:
    await post_to(db, member, "test", occasion_of(now), now)


def occasion_of(now: datetime) -> str:
    """The occasion of what is told each time that it happens."""
    return str(round(now.timestamp() * 1_000_000))


async def post_to(
    db: Database,
    member: Member,
    kind: str,
    occasion: str,
    now: datetime,
    facts: Facts | None = None,
) -> bool:
    """A notice about no webhook. False where the member is told of it already."""
    same = (Notice.webhook == "") & (Notice.kind == kind)
    same &= (Notice.occasion == occasion) & (Notice.recipient == member.id)
    if await Notice.exists().where(same):
        return False
    person = (member.id, member.email)
    known = msgspec.json.encode(facts or Facts()).decode()
    row = _row(member.account, "", kind, occasion, *person, known, now, now)
    await db.insert("notice", Rows(_COLUMNS, [row]))
    return True


async def addresses(row: Webhook) -> list[tuple[str, str]]:
    """Each recipient with its address, every address once. Members who have left the
    account are passed over."""
    chosen = msgspec.json.decode(row.recipients, type=list[str])
    emails = await _emails(row.account, [each for each in chosen if "@" not in each])
    once: dict[str, tuple[str, str]] = {}
    for each in chosen:
        address = each if "@" in each else emails.get(each)
        if address:
            once.setdefault(address.lower(), (each, address))
    return list(once.values())


async def tells_somebody(row: Webhook) -> bool:
    """Whether anybody gets a mail when its receiver stays away."""
    return bool(_told_of(row) and await addresses(row))


async def latest(webhook: str, recipients: Sequence[str]) -> dict[str, Notice]:
    """By recipient, what was last sent or could not be: one look at an index each,
    however many there were before."""
    async with reading() as db:
        rows = await db.fetch(
            """
            SELECT (SELECT max(n.id) FROM notice n
                WHERE n.webhook = :webhook AND n.recipient = who.recipient) AS id
            FROM {who}
            """,
            webhook=webhook,
            who=Rows({"recipient": "text"}, [(each,) for each in recipients]),
        )
    ids = [row["id"] for row in rows if row["id"] is not None]
    found = await Notice.objects().where(Notice.id.is_in(ids)) if ids else []
    return {row.recipient: row for row in found}


async def listed(account: str, limit: int = 100) -> list[tuple[Notice, int]]:
    """The account's mails, the newest first; of those that were not sent yet, each
    with how many notices share it."""
    rows = (
        await Notice.objects()
        .where(
            Notice.account == account,
            # Of those that went in one mail the first has its text.
            Or(Notice.sent_at.is_null(), Notice.text != ""),
        )
        .order_by(Notice.id, ascending=False)
        .limit(_MOST_LISTED)
    )
    mails: dict[object, list[Notice]] = {}
    for each in rows:
        stands = (each.sent_at, each.tries, each.error)
        shared = (each.address, each.kind, each.host, *stands)
        mails.setdefault(shared if each.host else each.id, []).append(each)
    return [(each[-1], len(each)) for each in list(mails.values())[:limit]]


async def _has_neighbours(db: Database, row: Webhook, host: str) -> bool:
    """Whether others are called there, as far as the text of their URLs tells: to be
    wrong costs a minute's wait and no more."""
    rows = await db.fetch(
        """
        SELECT 1 FROM webhook WHERE account = :account AND id != :id
          AND state IN ('active', 'deactivated') AND lower(url) LIKE :like LIMIT 1
        """,
        account=row.account,
        id=row.id,
        like=f"%://{host}%",
    )
    return bool(rows)


def _told_of(row: Webhook) -> list[str]:
    return msgspec.json.decode(row.notify, type=list[str])


async def _emails(account: str, members: list[str]) -> dict[str, str]:
    if not members:
        return {}
    found = await Member.select(Member.id, Member.email).where(
        Member.account == account, Member.id.is_in(members)
    )
    return {each["id"]: each["email"] for each in found}


def _row(
    account: str,
    webhook: str,
    kind: str,
    occasion: str,
    recipient: str,
    address: str,
    facts: str,
    now: datetime,
    due: datetime,
    host: str = "",
) -> tuple[object, ...]:
    told = (account, webhook, kind, occasion, recipient, address, facts)
    return (*told, now, due, 0, "", "", "", host)
