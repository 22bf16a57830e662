"""A mail for one who has forgotten the password, with a link to choose a new one.

Anybody may ask for it, so the answer tells nobody whether an address is known. The link
is made when the mail goes out: it stands in no row, and the outbox does not show it.
"""

from datetime import datetime, timedelta

from callboard.accounts import audit, members, signing_in
from callboard.accounts import links as one_time
from callboard.accounts.actor import Actor
from callboard.accounts.limits import Limits, TryLimit
from callboard.accounts.tables import Member
from callboard.database import writing
from callboard.notices import posting
from callboard.notices.letters import Letter, Now
from callboard.notices.links import Links
from callboard.notices.tables import Notice
from callboard.tries import SharedTries

KIND = "password"
LASTS = timedelta(hours=1)
_AGAIN_AFTER = timedelta(minutes=15)
_MOST = 20
_SOMEBODY = "somebody"

limit = TryLimit()


async def admit(
    address: str, now: datetime, everywhere: SharedTries | None = None
) -> None:
    """Raises LimitReached for a network that asks and asks, whomever it asks for.

    `everywhere`: what other processes have counted.
    """
    asked: Limits = {("forgotten", signing_in.network_of(address)): _MOST}
    await limit.count_everywhere(asked, now, everywhere)


async def ask(email: str, address: str, now: datetime) -> None:
    """Nothing for an address that nobody signs in with; a member gets one mail in a
    quarter of an hour, however often somebody asks."""
    email = members.normal(email)
    member = await Member.objects().where(Member.email == email).first()
    if member is None:
        return
    slot = str(int(now.timestamp() // _AGAIN_AFTER.total_seconds()))
    async with writing() as db:
        if await posting.post_to(db, member, KIND, slot, now):
            by = Actor(member.account, _SOMEBODY, now)
            text = f"from {address}"
            await audit.note(by, "member.link_asked", member.email, text)


async def look(links: Links, notice: Notice, now: datetime) -> Now:
    """What its mail tells, with a link of its own."""
    until = notice.created_at + LASTS
    async with writing():
        token = await one_time.add(notice.account, notice.recipient, now, until)
    return Now(page=links.page("/"), link=links.page(f"/join/{token}"), ends_at=until)


def is_late(notice: Notice, now: datetime) -> bool:
    return notice.kind == KIND and now >= notice.created_at + LASTS


def without_link(notice: Notice, letter: Letter, text: str) -> str:
    """As it may be kept, where others of the account read it."""
    if notice.kind != KIND:
        return text
    return text.replace(letter.button[1], "(the link stands in the mail only)")
