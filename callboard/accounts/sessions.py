"""Who is signed in: rows, so that signing out everywhere is possible."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from callboard import ids
from callboard.accounts.links import token_hash
from callboard.accounts.tables import Account, Member, Session

LIFETIME = timedelta(days=14)
_NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SignedIn:
    session: str
    member: Member
    account: Account


async def start(member: Member, now: datetime, user_agent: str = "") -> str:
    """The token for the cookie. Expired sessions of the member go at the same time."""
    expired = (Session.member == member.id) & (Session.expires_at <= now)
    await Session.delete().where(expired)
    token = secrets.token_urlsafe(32)
    await Session.insert(
        Session(
            id=ids.make("ses", now),
            token_hash=token_hash(token),
            account=member.account,
            member=member.id,
            user_agent=user_agent[:255],
            created_at=now,
            seen_at=now,
            expires_at=now + LIFETIME,
        )
    )
    return token


async def find(token: str, now: datetime) -> SignedIn | None:
    """Moves the session's end on, in the database at most every few minutes."""
    good = (Session.token_hash == token_hash(token)) & (Session.expires_at > now)
    session = await Session.objects().where(good).first()
    if session is None:
        return None
    member = await Member.objects().where(Member.id == session.member).first()
    account = await Account.objects().where(Account.id == session.account).first()
    if member is None or account is None:
        return None
    if now - session.seen_at >= _NOTED_EVERY:
        await Session.update(
            {Session.seen_at: now, Session.expires_at: now + LIFETIME}
        ).where(Session.id == session.id)
    return SignedIn(session.id, member, account)


async def end(session_id: str) -> None:
    await Session.delete().where(Session.id == session_id)


async def end_all(member: Member, *, keep: str | None = None) -> None:
    mine = Session.delete().where(Session.member == member.id)
    if keep is not None:
        mine = mine.where(Session.id != keep)
    await mine


async def listed(member: Member, now: datetime) -> list[Session]:
    """The latest seen first."""
    live = (Session.member == member.id) & (Session.expires_at > now)
    return (
        await Session.objects().where(live).order_by(Session.seen_at, ascending=False)
    )
