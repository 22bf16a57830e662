"""What a new webhook of an account does when its receiver stays away, unless it is
told otherwise."""

import msgspec

from callboard.accounts import audit, members
from callboard.accounts.actor import Actor
from callboard.accounts.tables import Account
from callboard.database import writing
from callboard.errors import raise_all
from callboard.webhooks import rules
from callboard.webhooks.recipients import DEFAULT_NOTIFY, NOTIFY
from callboard.webhooks.settings import as_json


class Defaults(msgspec.Struct, frozen=True):
    """As the settings of a webhook that have these names."""

    hold_days: int
    deactivate_after: int | None = 1
    recipients: tuple[str, ...] = ()
    notify: tuple[str, ...] = DEFAULT_NOTIFY


async def of_account(account: str, hold_days: int) -> Defaults:
    """`hold_days`: of the installation, where the account has set nothing. Members who
    have left are passed over."""
    row = await Account.objects().get(Account.id == account)
    if row is None or not row.defaults:
        return Defaults(hold_days)
    found = msgspec.json.decode(row.defaults, type=Defaults)
    known = await members.ids_of(account)
    here = tuple(each for each in found.recipients if "@" in each or each in known)
    return msgspec.structs.replace(found, recipients=here)


async def change(by: Actor, new: Defaults) -> Defaults:
    """Webhooks that there are stay as they are. Raises Invalid with every problem."""
    await check(by.account, new)
    kept = tuple(each for each in NOTIFY if each in new.notify)
    new = msgspec.structs.replace(new, notify=kept)
    async with writing():
        stored = Account.update({Account.defaults: as_json(new)})
        await stored.where(Account.id == by.account)
        await audit.note(by, "account.defaults_changed", by.account)
    return new


async def check(account: str, new: Defaults) -> None:
    """Raises Invalid with every problem."""
    problems = [
        *rules.check_number("hold_days", new.hold_days),
        *rules.check_number("deactivate_after", new.deactivate_after),
        *rules.check_recipients(new.recipients, await members.ids_of(account)),
        *rules.check_notify(new.notify),
    ]
    raise_all(problems)
