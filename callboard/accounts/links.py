"""One-time links: a random token, of which only the hash is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

from piccolo.custom_types import Combinable

from callboard.accounts.tables import OneTimeLink
from callboard.errors import NotFound

LIFETIME = timedelta(hours=24)
SPENT = "spent"


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def make(account: str, member: str, now: datetime) -> str:
    """Voids the earlier unused links for the same purpose. Inside `writing()`."""
    await void(account, member)
    return await add(account, member, now, now + LIFETIME)


async def add(account: str, member: str, now: datetime, until: datetime) -> str:
    """Leaves earlier links as they are."""
    token = secrets.token_urlsafe(32)
    await OneTimeLink.insert(
        OneTimeLink(
            token_hash=token_hash(token),
            account=account,
            member=member,
            created_at=now,
            expires_at=until,
        )
    )
    return token


async def void(account: str, member: str) -> None:
    await OneTimeLink.delete().where(
        (OneTimeLink.account == account)
        & (OneTimeLink.member == member)
        & OneTimeLink.used_at.is_null()
    )


async def look(token: str, now: datetime) -> OneTimeLink:
    """The link, if it is still good; else NotFound."""
    link = await OneTimeLink.objects().where(_is_good(token, now)).first()
    if link is None:
        raise _no_longer()
    return link


async def use(token: str, now: datetime) -> OneTimeLink:
    """Takes the link: of two callers one gets it. Inside `writing()`."""
    link = await look(token, now)
    taken = (
        await OneTimeLink.update({OneTimeLink.used_at: now})
        .where(_is_good(token, now))
        .returning(OneTimeLink.token_hash)
    )
    if not taken:
        raise _no_longer()
    return link


def _is_good(token: str, now: datetime) -> Combinable:
    return (
        (OneTimeLink.token_hash == token_hash(token))
        & OneTimeLink.used_at.is_null()
        & (OneTimeLink.expires_at > now)
    )


def _no_longer() -> NotFound:
    text = "This link has been used or is too old. Ask for a new one."
    return NotFound(text, SPENT)
