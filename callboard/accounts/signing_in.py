"""Signing in, with a limit on wrong passwords, and changing one's own."""

from datetime import datetime

from callboard.accounts import audit, members, passwords
from callboard.accounts.limits import TryLimit
from callboard.accounts.tables import Member
from callboard.database import writing
from callboard.errors import Problem, raise_all

sign_ins = TryLimit()


async def sign_in(
    email: str, password: str, now: datetime, address: str = ""
) -> Member | None:
    """None for a wrong email or password; LimitReached after too many of them."""
    email = members.normal(email)
    pair, everywhere, anybody = (email, address), ("email", email), ("from", address)
    sign_ins.count({pair: 10, everywhere: 100, anybody: 50}, now)
    member = await Member.objects().where(Member.email == email).first()
    if not await passwords.fits(password, member.password_hash if member else ""):
        return None
    assert member is not None
    sign_ins.forget(pair)
    sign_ins.take_back(everywhere, anybody)
    if passwords.is_dated(member.password_hash):
        stands = (Member.id == member.id) & (
            Member.password_hash == member.password_hash
        )
        newer = await passwords.hashed(password)
        await Member.update({Member.password_hash: newer}).where(stands)
    return member


async def change_password(
    member: Member, old: str, new: str, now: datetime, *, keep: str | None = None
) -> None:
    """Ends the member's sessions, but for `keep`."""
    problems = passwords.check(new)
    if not await passwords.fits(old, member.password_hash):
        problems.insert(0, Problem("old", "wrong", "That is not your password."))
    raise_all(problems)
    password_hash = await passwords.hashed(new)
    async with writing():
        await members.set_password(member, password_hash, keep)
        await audit.note(
            member.account, member.email, "member.password_changed", "", "", now
        )
