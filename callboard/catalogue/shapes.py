"""What event types declare about their data, as the makers of calls need it."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from callboard.catalogue.tables import EventType
from callboard.database import Database
from callboard.payload.shapes import Shape

Shapes = Mapping[str, Shape]  # by the names of types


async def declared(accounts: Collection[str]) -> dict[str, Shapes]:
    """By account, of the types that declare anything: most do not."""
    rows = await EventType.select(
        EventType.account, EventType.name, EventType.placeholders, EventType.fields
    ).where(
        EventType.account.is_in(list(accounts)),
        (EventType.placeholders != "{}") | (EventType.fields != "{}"),
    )
    found: dict[str, dict[str, Shape]] = {account: {} for account in accounts}
    for row in rows:
        found[row["account"]][row["name"]] = read(row["placeholders"], row["fields"])
    return dict(found)


async def all_of(account: str) -> dict[str, Shape]:
    """Of every type of the account."""
    rows: list[dict[str, Any]] = await EventType.select(
        EventType.name, EventType.placeholders, EventType.fields
    ).where(EventType.account == account)
    return {row["name"]: read(row["placeholders"], row["fields"]) for row in rows}


def read(placeholders: str, fields: str) -> Shape:
    read_pairs = msgspec.json.Decoder(dict[str, str]).decode
    return Shape(read_pairs(placeholders), read_pairs(fields))


async def changed(db: Database, account: str) -> None:
    """Senders read the account's webhooks again at their next claim, and with them
    what its types declare. The account is locked already, as before any turn."""
    await db.fetch(
        "UPDATE webhook SET version = version + 1 WHERE account = :account",
        account=account,
    )
    await db.fetch(
        """
        UPDATE turn SET version = w.version FROM webhook w
        WHERE w.id = turn.webhook AND turn.webhook IN (
            SELECT webhook FROM turn WHERE account = :account
            ORDER BY webhook FOR UPDATE
        )
        """,
        account=account,
    )
