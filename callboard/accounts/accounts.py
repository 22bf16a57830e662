from datetime import datetime

from callboard import ids
from callboard.accounts.names import check_name
from callboard.accounts.tables import Account
from callboard.database import Database
from callboard.errors import raise_all

NO_NAME = "Give the account a name."


async def add(name: str, now: datetime) -> Account:
    """Names need not be unique: `find` prefers an id, then the oldest of that name."""
    raise_all(check_name(name, empty=NO_NAME))
    account = Account(id=ids.make("acc", now), name=name.strip(), created_at=now)
    await account.save()
    return account


async def first() -> Account | None:
    """The oldest: the one that `migrate` made."""
    return await Account.objects().order_by(Account.created_at, Account.id).first()


async def find(name: str) -> Account | None:
    """By id or by name."""
    found = await Account.objects().where(Account.id == name).first()
    if found is not None:
        return found
    named = Account.objects().where(Account.name == name)
    return await named.order_by(Account.created_at, Account.id).first()


async def listed() -> list[Account]:
    return await Account.objects().order_by(Account.created_at, Account.id)


async def rename(account: str, name: str) -> None:
    raise_all(check_name(name, empty=NO_NAME))
    named = Account.update({Account.name: name.strip()})
    await named.where(Account.id == account)


async def bump(db: Database, account: str) -> None:
    """Belongs to every change of webhooks or event types: by the version processes see
    that what they have compiled of them is old."""
    await db.fetch(
        "UPDATE account SET version = version + 1 WHERE id = :account", account=account
    )
