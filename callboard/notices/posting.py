"""Who is told of what: one row for each recipient, once for each occasion.

Posting belongs to the transaction of what is told; sending comes after it.
"""

from datetime import datetime

import msgspec

from callboard.accounts.tables import Member
from callboard.database import Database, Rows
from callboard.notices.mail import Facts
from callboard.notices.tables import Notice
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
}


async def post(
    db: Database, row: Webhook, kind: str, occasion: str, facts: Facts, now: datetime
) -> None:
    """Of an occasion that was told already nothing is told again."""
    if kind not in msgspec.json.decode(row.notify, type=list[str]):
        return
    known = msgspec.json.encode(facts).decode()
    rows = [
        _row(row.account, row.id, kind, occasion, *person, known, now)
        for person in await addresses(row)
    ]
    await db.insert("notice", Rows(_COLUMNS, rows))


async def post_test(db: Database, member: Member, now: datetime) -> None:
    occasion = str(round(now.timestamp() * 1_000_000))
    row = _row(member.account, "", "test", occasion, member.id, member.email, "{}", now)
    await db.insert("notice", Rows(_COLUMNS, [row]))


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


async def latest(account: str, webhook: str) -> dict[str, Notice]:
    """By recipient, what was last sent or could not be."""
    rows = (
        await Notice.objects()
        .where(Notice.account == account, Notice.webhook == webhook)
        .order_by(Notice.id, ascending=False)
        .limit(500)
    )
    found: dict[str, Notice] = {}
    for row in rows:
        found.setdefault(row.recipient, row)
    return found


async def listed(account: str, limit: int = 100) -> list[Notice]:
    """All mails of the account, the newest first."""
    mine = Notice.objects().where(Notice.account == account)
    return await mine.order_by(Notice.id, ascending=False).limit(limit)


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
) -> tuple[object, ...]:
    told = (account, webhook, kind, occasion, recipient, address, facts)
    return (*told, now, now, 0, "", "", "")
