"""Links that let people in: for the first time, or with a new password."""

from datetime import datetime

from callboard.accounts import audit, links, members, passwords
from callboard.accounts.actor import Actor
from callboard.accounts.tables import Member
from callboard.database import writing
from callboard.errors import raise_all


async def invite(by: Actor, email: str, name: str, role: str) -> tuple[Member, str]:
    """The token goes into a link to the page that calls `join`; it lasts a day."""
    raise_all(members.check(name, email, role))
    member = members.new(by, email, name, role, password_hash="")
    async with writing():
        await members.insert(member)
        token = await links.make(by.account, member.id, by.now)
        await audit.note(by, "member.invited", member.email, role)
    return member, token


async def new_link(by: Actor, member_id: str) -> str:
    """For a lost invitation or a forgotten password; `join` takes it."""
    async with writing():
        member = await members.get(by.account, member_id)
        token = await links.make(by.account, member.id, by.now)
        await audit.note(by, "member.link_made", member.email)
    return token


async def invited(token: str, now: datetime) -> Member:
    """Whom the link is for; NotFound once it is used or too old."""
    link = await links.look(token, now)
    return await members.get(link.account, link.member)


async def join(
    token: str,
    password: str,
    now: datetime,
    *,
    name: str | None = None,
    tell: members.Tell | None = None,
) -> Member:
    """Sets the password; ends the sessions that an earlier one began, and other links.

    `name` None leaves the name as it is. `tell` is for those who had a password.
    """
    await invited(token, now)
    raise_all(members.check_name(name or "") + passwords.check(password))
    password_hash = await passwords.hashed(password)
    async with writing() as db:
        link = await links.use(token, now)
        member = await members.get(link.account, link.member)
        if (had_one := bool(member.password_hash)) and tell:
            await tell(db, member)
        act = "member.password_reset" if had_one else "member.joined"
        await links.void(member.account, member.id)
        await members.set_password(member, password_hash)
        if name is not None:
            await members.rename(member, name)
        await audit.note(Actor(link.account, member.email, now), act)
    return member
