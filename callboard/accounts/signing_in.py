"""Signing in, with a limit on wrong passwords, and changing one's own."""

from datetime import datetime
from ipaddress import ip_address, ip_network

from callboard.accounts import audit, links, members, passwords, sessions
from callboard.accounts.actor import Actor
from callboard.accounts.limits import Limits, TryLimit
from callboard.accounts.tables import Member
from callboard.database import writing
from callboard.egress.addresses import unwrap
from callboard.errors import Problem, raise_all
from callboard.mail_addresses import LONGEST
from callboard.tries import SharedTries

sign_ins = TryLimit()
_WRONG = Problem("old", "wrong", "That is not your password.")


async def sign_in(
    email: str,
    password: str,
    now: datetime,
    address: str = "",
    device: str = "",
    everywhere: SharedTries | None = None,
) -> Member | None:
    """None for a wrong email or password; LimitReached after too many of them.

    `device`: a browser that has signed in as this member before. It has tries of its
    own, so that no crowd of guessers locks the member out there. `everywhere`: what
    other processes have counted.
    """
    email = members.normal(email)
    own, shared = _limits(email, network_of(address), device)
    await sign_ins.count_everywhere(own | shared, now, everywhere)
    member = await Member.objects().where(Member.email == email).first()
    if not await passwords.fits(password, member.password_hash if member else ""):
        return None
    assert member is not None
    await _forgive(own, shared, everywhere)
    if passwords.is_dated(member.password_hash):
        await _hash_anew(member, password)
    return member


async def change_password(
    member: Member,
    old: str,
    new: str,
    now: datetime,
    *,
    keep: str | None = None,
    tell: members.Tell | None = None,
) -> None:
    """Ends the member's sessions, but for `keep`, and the links that were made for
    one who has forgotten it. LimitReached after too many wrong ones: whoever finds an
    open session must not guess either."""
    await _check_change(member, old, new, now)
    password_hash = await passwords.hashed(new)
    async with writing() as db:
        if not await sessions.has_kept_password(db, member):
            raise_all([_WRONG])  # by now
        await members.set_password(member, password_hash, keep)
        await links.void(member.account, member.id)
        by = Actor(member.account, member.email, now)
        await audit.note(by, "member.password_changed")
        if tell:
            await tell(db, member)


def network_of(address: str) -> str:
    """One line has 2⁶⁴ addresses of IPv6: they count as one."""
    try:
        found = unwrap(ip_address(address))
    except ValueError:
        return address
    return str(found if found.version == 4 else ip_network((found, 64), strict=False))


async def _forgive(own: Limits, shared: Limits, everywhere: SharedTries | None) -> None:
    """This try was a good one."""
    sign_ins.forget(*own)
    sign_ins.take_back(*shared)
    if everywhere:
        await everywhere.forgive([*own], [*shared])


async def _check_change(member: Member, old: str, new: str, now: datetime) -> None:
    guesses = ("password", member.id)
    sign_ins.count({guesses: 10}, now)
    problems = passwords.check(new)
    if await passwords.fits(old, member.password_hash):
        sign_ins.forget(guesses)
    else:
        problems.insert(0, _WRONG)
    raise_all(problems)


async def _hash_anew(member: Member, password: str) -> None:
    """Unless somebody has changed it meanwhile."""
    newer = await passwords.hashed(password)
    await Member.update({Member.password_hash: newer}).where(
        Member.id == member.id, Member.password_hash == member.password_hash
    )
    member.password_hash = newer


def _limits(email: str, origin: str, device: str) -> tuple[Limits, Limits]:
    """The tries that a good sign-in wipes out; and those counted together with other
    people's, of which it takes back only its own."""
    if device:
        return {("device", device): 10}, {}
    typed = email[:LONGEST]  # nobody's is longer, and all are remembered
    return {(typed, origin): 10}, {("email", typed): 100, ("from", origin): 50}
