"""Whoever changes a password, its member hears of it by mail."""

from datetime import datetime

from callboard.accounts.members import Tell
from callboard.accounts.tables import Member
from callboard.database import Database
from callboard.notices import posting
from callboard.notices.letters import Facts

KIND = "new_password"


def telling(address: str, now: datetime) -> Tell:
    """`address`: where the change came from."""

    async def tell(db: Database, member: Member) -> None:
        occasion, facts = posting.occasion_of(now), Facts(since=now, why=address)
        await posting.post_to(db, member, KIND, occasion, now, facts)

    return tell
