"""API keys: what programs show instead of a password."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callboard import ids
from callboard.accounts import audit
from callboard.accounts.actor import Actor
from callboard.accounts.names import check_name
from callboard.accounts.tables import ApiKey
from callboard.database import Row, reading, writing
from callboard.errors import NotFound, Problem, raise_all

PREFIX = "cb_"
_HINT = 10

# Nothing is believed longer, so a revoked key is soon refused in every process.
_BELIEVED = timedelta(seconds=1)
_ASKED_AGAIN = timedelta(seconds=0.5)
_REMEMBERED = 10_000
_NOTED_EVERY = timedelta(minutes=1)


class Scope(StrEnum):
    EVERYTHING = "*"
    SEND = "events:write"
    READ = "read"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who shows a good key. `scopes` has no `*`: it has been spelled out."""

    account: str
    key: str
    name: str
    scopes: frozenset[str]


@dataclass(slots=True)
class _Known:
    caller: Caller
    at: datetime
    asking: bool = False

    def is_good(self, now: datetime) -> bool:
        """One caller asks again early, so that the others need not wait at the end."""
        age = abs(now - self.at)
        return age < _ASKED_AGAIN or (self.asking and age < _BELIEVED)


_known: OrderedDict[str, _Known] = OrderedDict()


async def create(by: Actor, name: str, scopes: Collection[str]) -> tuple[ApiKey, str]:
    """The key and its secret, which cannot be read again. No scopes mean all."""
    raise_all(_check(name, scopes))
    secret = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        id=ids.make("key", by.now),
        account=by.account,
        name=name.strip(),
        hint=secret[:_HINT],
        secret_hash=_hash(secret),
        scopes=" ".join(sorted(set(scopes))) or Scope.EVERYTHING.value,
        created_by=by.name,
        created_at=by.now,
    )
    async with writing():
        await ApiKey.insert(key)
        await audit.note(by, "key.created", key.name, key.scopes)
    return key, secret


async def find(secret: str, now: datetime) -> Caller | None:
    """Whose key it is. Asks the database at most about twice a second for each key."""
    digest = _hash(secret)
    known = _known.get(digest)
    if known is not None and known.is_good(now):
        return known.caller
    return await _asked(digest, now)


async def revoke(by: Actor, key_id: str) -> None:
    """Revoking twice is no error."""
    async with writing():
        key = await get(by.account, key_id)
        if not key.revoked_at:
            await ApiKey.update({ApiKey.revoked_at: by.now}).where(ApiKey.id == key.id)
            await audit.note(by, "key.revoked", key.name)
    _known.pop(key.secret_hash, None)


async def get(account: str, key_id: str) -> ApiKey:
    mine = (ApiKey.account == account) & (ApiKey.id == key_id)
    key = await ApiKey.objects().where(mine).first()
    if key is None:
        raise NotFound("There is no such key.")
    return key


async def listed(account: str) -> list[ApiKey]:
    """The newest first, revoked ones too."""
    mine = ApiKey.objects().where(ApiKey.account == account)
    return await mine.order_by(ApiKey.created_at, ApiKey.id, ascending=False)


async def _asked(digest: str, now: datetime) -> Caller | None:
    row = await _row(digest)
    if row is None:
        _known.pop(digest, None)
        return None
    scopes = frozenset(row["scopes"].split())
    if Scope.EVERYTHING in scopes:
        scopes = frozenset(Scope)
    caller = Caller(row["account"], row["id"], row["name"], scopes)
    _remember(digest, caller, now)
    if row["used_at"] is None or now - row["used_at"] >= _NOTED_EVERY:
        await _note_use(caller.key, now)
    return caller


async def _row(digest: str) -> Row | None:
    """What the database knows of it. Until that comes, other calls go on with what is
    remembered."""
    known = _known.get(digest)
    if known is not None:
        known.asking = True
    try:
        async with reading() as database:
            rows = await database.fetch(
                "SELECT id, account, name, scopes, used_at FROM api_key"
                " WHERE secret_hash = :digest AND revoked_at IS NULL",
                digest=digest,
            )
    finally:
        if known is not None:
            known.asking = False
    return rows[0] if rows else None


def _remember(digest: str, caller: Caller, now: datetime) -> None:
    _known[digest] = _Known(caller, now)
    _known.move_to_end(digest)
    while len(_known) > _REMEMBERED:
        _known.popitem(last=False)


async def _note_use(key: str, now: datetime) -> None:
    await ApiKey.update({ApiKey.used_at: now}).where(ApiKey.id == key)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(name: str, scopes: Collection[str]) -> list[Problem]:
    problems = check_name(name, empty="Say what the key is for.")
    if unknown := sorted(set(scopes) - set(Scope)):
        message = (
            f"There is no scope {', '.join(unknown)}; there are {', '.join(Scope)}."
        )
        problems.append(Problem("scopes", "unknown", message))
    return problems
