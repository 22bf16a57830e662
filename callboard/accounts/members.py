"""Members: who signs in, and what they may do."""

from collections.abc import Awaitable, Callable
from enum import StrEnum

from callboard import ids
from callboard.accounts import audit, links, names, passwords, sessions
from callboard.accounts.actor import Actor
from callboard.accounts.tables import Account, Member
from callboard.database import Database, writing
from callboard.errors import Conflict, NotFound, Problem, raise_all
from callboard.mail_addresses import is_mail_address

Tell = Callable[[Database, Member], Awaitable[None]]
"""Sees to it that the member hears of it, in the transaction of what was done."""


class Role(StrEnum):
    OWNER = "owner"
    MEMBER = "member"
    VIEWER = "viewer"


async def add(by: Actor, email: str, name: str, role: str, password: str) -> Member:
    raise_all(check(name, email, role) + passwords.check(password))
    member = new(by, email, name, role, await passwords.hashed(password))
    async with writing():
        await insert(member)
        await audit.note(by, "member.added", member.email, role)
    return member


async def change_role(by: Actor, member_id: str, role: str) -> Member:
    raise_all(_check_role(role))
    async with writing() as database:
        member = await get(by.account, member_id)
        if role != Role.OWNER:
            await _keep_an_owner(database, member)
        await Member.update({Member.role: role}).where(Member.id == member.id)
        detail = f"{member.role} → {role}"
        await audit.note(by, "member.role_changed", member.email, detail)
    member.role = role
    return member


async def remove(by: Actor, member_id: str) -> None:
    async with writing() as database:
        member = await get(by.account, member_id)
        await _keep_an_owner(database, member)
        await sessions.end_all(member)
        await links.void(by.account, member.id)
        await Member.delete().where(Member.id == member.id)
        await audit.note(by, "member.removed", member.email)


async def get(account: str, member_id: str) -> Member:
    mine = (Member.account == account) & (Member.id == member_id)
    member = await Member.objects().where(mine).first()
    if member is None:
        raise NotFound("There is no such member.")
    return member


async def find(account: str, email: str) -> Member | None:
    mine = (Member.account == account) & (Member.email == normal(email))
    return await Member.objects().where(mine).first()


async def listed(account: str) -> list[Member]:
    mine = Member.objects().where(Member.account == account)
    return await mine.order_by(Member.created_at, Member.id)


async def ids_of(account: str) -> set[str]:
    rows = await Member.select(Member.id).where(Member.account == account)
    return {row["id"] for row in rows}


async def account_of(member: Member) -> Account:
    account = await Account.objects().where(Account.id == member.account).first()
    assert account is not None
    return account


def new(by: Actor, email: str, name: str, role: str, password_hash: str) -> Member:
    return Member(
        id=ids.make("mem", by.now),
        account=by.account,
        email=normal(email),
        name=name.strip(),
        role=str(role),
        password_hash=password_hash,
        created_at=by.now,
    )


async def insert(member: Member) -> None:
    added = await Member.insert(member).on_conflict(action="DO NOTHING")
    if not added:
        raise Conflict("Somebody signs in with this address already.", "email_taken")


async def set_password(
    member: Member, password_hash: str, keep: str | None = None
) -> None:
    await Member.update({Member.password_hash: password_hash}).where(
        Member.id == member.id
    )
    member.password_hash = password_hash
    await sessions.end_all(member, keep=keep)


async def change_name(by: Actor, member: Member, name: str) -> None:
    raise_all(check_name(name))
    async with writing():
        await rename(member, name)
        await audit.note(by, "member.renamed", member.email, member.name)


async def rename(member: Member, name: str) -> None:
    member.name = name.strip()
    await Member.update({Member.name: member.name}).where(Member.id == member.id)


def normal(email: str) -> str:
    return email.strip().lower()


def check(name: str, email: str, role: str) -> list[Problem]:
    problems = _check_role(role) + check_name(name)
    if not is_mail_address(normal(email)):
        message = "Write an address such as ada@example.org."
        problems.append(Problem("email", "email", message))
    return problems


def check_name(name: str) -> list[Problem]:
    """A member's name may be left empty."""
    return names.check_name(name) if name.strip() else []


def _check_role(role: str) -> list[Problem]:
    if role in set(Role):
        return []
    return [Problem("role", "unknown", f"Choose one of {', '.join(Role)}.")]


async def _keep_an_owner(database: Database, member: Member) -> None:
    """Locks the owners, so that two who remove each other do not both succeed."""
    owners = await database.fetch(
        "SELECT id FROM member WHERE account = :account AND role = 'owner'"
        " AND password_hash <> '' ORDER BY id FOR UPDATE",
        account=member.account,
    )
    if [owner["id"] for owner in owners] == [member.id]:
        raise Conflict("This is the account's last owner.", "last_owner")
