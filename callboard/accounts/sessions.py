"""Who is signed in: rows, so that signing out everywhere is possible."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from callboard import ids
from callboard.accounts.links import token_hash
from callboard.accounts.tables import Account, Member, Session
from callboard.database import Database, writing
from callboard.errors import Conflict

LIFETIME = timedelta(days=14)
_NOTED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SignedIn:
    session: str
    member: Member
    account: Account


async def start(member: Member, now: datetime, user_agent: str = "") -> str:
    """The token for the cookie. Expired sessions of the member go at the same time.
    Raises Conflict where the password that was shown has been changed meanwhile: that
    ended all sessions, and this would outlive it."""
    expired = (Session.member == member.id) & (Session.expires_at <= now)
    token = secrets.token_urlsafe(32)
    new = Session(
        id=ids.make("ses", now),
        token_hash=token_hash(token),
        account=member.account,
        member=member.id,
        user_agent=user_agent[:255],
        created_at=now,
        seen_at=now,
        expires_at=now + LIFETIME,
    )
    async with writing() as db:
        if not await has_kept_password(db, member):
            raise Conflict("This password was changed just now: sign in with the new.")
        await Session.delete().where(expired)
        await Session.insert(new)
    return token


async def has_kept_password(db: Database, member: Member) -> bool:
    """And keeps it until the transaction ends."""
    rows = await db.fetch(
        "SELECT 1 FROM member WHERE id = :id AND password_hash = :hash FOR UPDATE",
        id=member.id,
        hash=member.password_hash,
    )
    return bool(rows)


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
