"""Things that tests need, with everything that does not matter filled in."""

from datetime import UTC, datetime, timedelta

from callboard import ids
from callboard.accounts.tables import Member

# On the second, so that both engines give back the same time.
NOW = datetime.now(UTC).replace(microsecond=0)
PASSWORD = "correct horse battery"
# Argon2id of PASSWORD with few rounds: tests make many members.
PASSWORD_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$VPOF+luZSCOAQ"
    "/89s4mt/A$N+7dFuwlhWQ3mLQ4dWLtmXjx+bnO6QxAezYUlGtskEw"
)


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)


async def member(account: str, email: str, role: str = "member") -> Member:
    made = Member(
        id=ids.make("mem", NOW),
        account=account,
        email=email,
        name=email.partition("@")[0].title(),
        role=role,
        password_hash=PASSWORD_HASH,
        created_at=NOW,
    )
    await Member.insert(made)
    return made
