"""The first owner comes by a link that is printed once."""

from datetime import datetime

from callboard.accounts import accounts, audit, links, members, passwords
from callboard.accounts.actor import Actor
from callboard.accounts.members import Role
from callboard.accounts.names import check_name
from callboard.accounts.tables import Member
from callboard.config import Settings
from callboard.database import writing
from callboard.errors import NotFound, raise_all


async def is_done() -> bool:
    """False until somebody has used the set-up link."""
    return await Member.exists()


async def link(settings: Settings, now: datetime) -> str | None:
    """A fresh link for the first owner, None once there is a member.

    The link lasts a day, and links made before are void.
    """
    account = await accounts.first()
    if account is None or await Member.exists().where(Member.account == account.id):
        return None
    async with writing():
        token = await links.make(account.id, "", now)
    return f"{settings.public_url}/setup/{token}"


async def complete(
    token: str, account_name: str, name: str, email: str, password: str, now: datetime
) -> Member:
    """Names the account and makes its first owner."""
    await links.look(token, now)
    raise_all(
        check_name(account_name, "account", accounts.NO_NAME)
        + members.check(name, email, Role.OWNER)
        + passwords.check(password)
    )
    password_hash = await passwords.hashed(password)
    async with writing():
        made = await links.use(token, now)
        if made.member or await Member.exists().where(Member.account == made.account):
            raise NotFound("Callboard has been set up already. Sign in instead.")
        await accounts.rename(made.account, account_name)
        by = Actor(made.account, members.normal(email), now)
        member = members.new(by, email, name, Role.OWNER, password_hash)
        await members.insert(member)
        await audit.note(by, "account.set_up")
    return member
