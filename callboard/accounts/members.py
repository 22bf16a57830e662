"""Members: who signs in, and what they may do."""

import re
from datetime import UTC, datetime
from enum import StrEnum

from callboard import ids
from callboard.accounts import accounts, audit, links, passwords, sessions
from callboard.accounts.limits import TryLimit
from callboard.accounts.tables import Account, Member
from callboard.config import Settings
from callboard.database import Database, writing
from callboard.errors import Conflict, Invalid, NotFound, Problem

_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f.]+(\.[^@\s\x00-\x1f.]+)*")
_LONGEST_EMAIL = 254
_LONGEST_NAME = 120

sign_ins = TryLimit()


class Role(StrEnum):
    OWNER = "owner"
    MEMBER = "member"
    VIEWER = "viewer"


async def is_set_up() -> bool:
    """False until somebody has used the set-up link."""
    return await Member.exists()


async def setup_link(settings: Settings, now: datetime | None = None) -> str | None:
    """A fresh link for the first owner, None once there is a member.

    The link lasts a day, and links made before are void.
    """
    account = await accounts.first()
    if account is None or await Member.exists().where(Member.account == account.id):
        return None
    async with writing():
        token = await links.make(account.id, "", now or datetime.now(UTC))
    return f"{settings.public_url}/setup/{token}"


async def set_up(
    token: str, account_name: str, name: str, email: str, password: str, now: datetime
) -> Member:
    """Names the account and makes its first owner."""
    await links.look(token, now)
    _raise_all(
        accounts.check_name(account_name, "account")
        + _check(name, email, Role.OWNER)
        + passwords.check(password)
    )
    password_hash = await passwords.hashed(password)
    async with writing():
        link = await links.use(token, now)
        if link.member or await Member.exists().where(Member.account == link.account):
            raise NotFound("Callboard has been set up already. Sign in instead.")
        await accounts.rename(link.account, account_name)
        member = _new(link.account, email, name, Role.OWNER, password_hash, now)
        await _insert(member)
        await audit.note(link.account, member.email, "account.set_up", "", "", now)
    return member


async def add(
    account: str,
    email: str,
    name: str,
    role: str,
    password: str,
    now: datetime,
    *,
    by: str = audit.COMMAND_LINE,
) -> Member:
    _raise_all(_check(name, email, role) + passwords.check(password))
    member = _new(account, email, name, role, await passwords.hashed(password), now)
    async with writing():
        await _insert(member)
        await audit.note(account, by, "member.added", member.email, role, now)
    return member


async def invite(
    account: str,
    email: str,
    name: str,
    role: str,
    now: datetime,
    *,
    by: str = audit.COMMAND_LINE,
) -> tuple[Member, str]:
    """The token goes into a link to the page that calls `join`; it lasts a day."""
    _raise_all(_check(name, email, role))
    member = _new(account, email, name, role, "", now)
    async with writing():
        await _insert(member)
        token = await links.make(account, member.id, now)
        await audit.note(account, by, "member.invited", member.email, role, now)
    return member, token


async def new_link(
    account: str, member_id: str, now: datetime, *, by: str = audit.COMMAND_LINE
) -> str:
    """For a lost invitation or a forgotten password; `join` takes it."""
    async with writing():
        member = await get(account, member_id)
        token = await links.make(account, member.id, now)
        await audit.note(account, by, "member.link_made", member.email, "", now)
    return token


async def invited(token: str, now: datetime) -> Member:
    """Whom the link is for; NotFound once it is used or too old."""
    link = await links.look(token, now)
    return await get(link.account, link.member)


async def join(
    token: str, password: str, now: datetime, *, name: str | None = None
) -> Member:
    """Sets the password and ends the sessions that an earlier one began.

    `name` None leaves the name as it is.
    """
    await invited(token, now)
    _raise_all(_check_name(name or "") + passwords.check(password))
    password_hash = await passwords.hashed(password)
    async with writing():
        link = await links.use(token, now)
        member = await get(link.account, link.member)
        await _set_password(member, password_hash)
        if name is not None:
            member.name = name.strip()
            await Member.update({Member.name: member.name}).where(
                Member.id == member.id
            )
        await audit.note(link.account, member.email, "member.joined", "", "", now)
    return member


async def sign_in(
    email: str, password: str, now: datetime, address: str = ""
) -> Member | None:
    """None for a wrong email or password; LimitReached after too many of them."""
    email = _normal(email)
    pair, everywhere, anybody = (email, address), ("email", email), ("from", address)
    sign_ins.count({pair: 10, everywhere: 100, anybody: 50}, now)
    member = await Member.objects().where(Member.email == email).first()
    if not await passwords.fits(password, member.password_hash if member else ""):
        return None
    assert member is not None
    sign_ins.forget(pair)
    sign_ins.take_back(everywhere, anybody)
    if passwords.is_dated(member.password_hash):
        await Member.update(
            {Member.password_hash: await passwords.hashed(password)}
        ).where(
            (Member.id == member.id) & (Member.password_hash == member.password_hash)
        )
    return member


async def change_password(
    member: Member, old: str, new: str, now: datetime, *, keep: str | None = None
) -> None:
    """Ends the member's sessions, but for `keep`."""
    problems = passwords.check(new)
    if not await passwords.fits(old, member.password_hash):
        problems.insert(0, Problem("old", "wrong", "That is not your password."))
    _raise_all(problems)
    password_hash = await passwords.hashed(new)
    async with writing():
        await _set_password(member, password_hash, keep)
        await audit.note(
            member.account, member.email, "member.password_changed", "", "", now
        )


async def change_role(
    account: str,
    member_id: str,
    role: str,
    now: datetime,
    *,
    by: str = audit.COMMAND_LINE,
) -> Member:
    _raise_all(_check_role(role))
    async with writing() as database:
        member = await get(account, member_id)
        if role != Role.OWNER:
            await _keep_an_owner(database, member)
        await Member.update({Member.role: role}).where(Member.id == member.id)
        detail = f"{member.role} → {role}"
        await audit.note(account, by, "member.role_changed", member.email, detail, now)
    member.role = role
    return member


async def remove(
    account: str, member_id: str, now: datetime, *, by: str = audit.COMMAND_LINE
) -> None:
    async with writing() as database:
        member = await get(account, member_id)
        await _keep_an_owner(database, member)
        await sessions.end_all(member)
        await links.void(account, member.id)
        await Member.delete().where(Member.id == member.id)
        await audit.note(account, by, "member.removed", member.email, "", now)


async def get(account: str, member_id: str) -> Member:
    mine = (Member.account == account) & (Member.id == member_id)
    member = await Member.objects().where(mine).first()
    if member is None:
        raise NotFound("There is no such member.")
    return member


async def find(account: str, email: str) -> Member | None:
    mine = (Member.account == account) & (Member.email == _normal(email))
    return await Member.objects().where(mine).first()


async def listed(account: str) -> list[Member]:
    mine = Member.objects().where(Member.account == account)
    return await mine.order_by(Member.created_at, Member.id)


async def account_of(member: Member) -> Account:
    account = await Account.objects().where(Account.id == member.account).first()
    assert account is not None
    return account


def _normal(email: str) -> str:
    return email.strip().lower()


def _check(name: str, email: str, role: str) -> list[Problem]:
    problems = _check_role(role) + _check_name(name)
    email = _normal(email)
    if len(email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        message = "Write an address such as ada@example.org."
        problems.append(Problem("email", "email", message))
    return problems


def _check_name(name: str) -> list[Problem]:
    if len(name.strip()) <= _LONGEST_NAME:
        return []
    return [Problem("name", "too_long", f"Use at most {_LONGEST_NAME} characters.")]


def _check_role(role: str) -> list[Problem]:
    if role in set(Role):
        return []
    return [Problem("role", "unknown", f"Choose one of {', '.join(Role)}.")]


def _raise_all(problems: list[Problem]) -> None:
    if problems:
        raise Invalid(problems)


def _new(
    account: str, email: str, name: str, role: str, password_hash: str, now: datetime
) -> Member:
    return Member(
        id=ids.make("mem", now),
        account=account,
        email=_normal(email),
        name=name.strip(),
        role=str(role),
        password_hash=password_hash,
        created_at=now,
    )


async def _insert(member: Member) -> None:
    added = await Member.insert(member).on_conflict(action="DO NOTHING")
    if not added:
        raise Conflict("Somebody signs in with this address already.", "email_taken")


async def _set_password(
    member: Member, password_hash: str, keep: str | None = None
) -> None:
    await Member.update({Member.password_hash: password_hash}).where(
        Member.id == member.id
    )
    member.password_hash = password_hash
    await sessions.end_all(member, keep=keep)


async def _keep_an_owner(database: Database, member: Member) -> None:
    """Locks the owners, so that two who remove each other do not both succeed."""
    owners = await database.fetch(
        "SELECT id FROM member WHERE account = :account AND role = 'owner'"
        " AND password_hash <> '' ORDER BY id FOR UPDATE",
        account=member.account,
    )
    if [owner["id"] for owner in owners] == [member.id]:
        raise Conflict("This is the account's last owner.", "last_owner")
