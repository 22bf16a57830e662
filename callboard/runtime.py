"""What a process holds open: opened once at its start, closed once at its end."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from callboard.accounts import accounts
from callboard.config import Settings
from callboard.database import Clock, check_schema, migrate, opened_database
from callboard.delivery.calls.sender import Sender, open_sender
from callboard.egress.ours import is_ours
from callboard.egress.policy import EgressPolicy
from callboard.ingest import Acceptor
from callboard.notices.links import Links
from callboard.notices.mailer import Mailer
from callboard.queue import Queue, open_queue
from callboard.tries import SharedTries, open_tries
from callboard.vault import Vault

_USUAL_PORTS = {
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "smtp": 25,
    "smtps": 465,
}


class OldSchema(Exception):
    """The database lacks migrations: `callboard migrate` runs them."""


@dataclass(frozen=True, slots=True)
class Runtime:
    settings: Settings
    vault: Vault
    queue: Queue
    sender: Sender
    acceptor: Acceptor
    clock: Clock
    links: Links
    mailer: Mailer
    tries: SharedTries


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """Raises OldSchema, or Unavailable when the database is away."""
    async with opened_database():
        await _refuse_an_old_schema()
        async with (
            _ticking() as clock,
            _opened_queue(settings.redis_url) as queue,
            _opened_tries(settings.redis_url) as tries,
            open_sender(_policy(settings)) as sender,
        ):
            spare_the_collector()
            yield Runtime(
                settings=settings,
                vault=Vault(settings.secret_keys),
                queue=queue,
                sender=sender,
                acceptor=Acceptor(queue.ring),
                clock=clock,
                links=Links(settings.secret_keys, settings.public_url),
                mailer=_mailer(settings),
                tries=tries,
            )


async def prepare_database() -> None:
    """Migrates, and makes the first account in an empty database."""
    await migrate()
    async with opened_database():
        if await accounts.first() is None:
            await accounts.add("Callboard", datetime.now(UTC))


def own_ports(settings: Settings) -> Iterator[int]:
    """Where operators allow private addresses, our own servers are not webhooks."""
    for url in (settings.database_url, settings.redis_url, settings.smtp_url or ""):
        parts = urlsplit(url)
        if parts.scheme in _USUAL_PORTS:
            usual = "587" if parts.scheme == "smtp" and parts.username else ""
            named = parse_qs(parts.query).get("port", [usual])[0]
            yield parts.port or int(named or _USUAL_PORTS[parts.scheme])


def spare_the_collector() -> None:
    """What is loaded now stays; what a call makes hardly ever has cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _refuse_an_old_schema() -> None:
    if missing := await check_schema():
        raise OldSchema(
            f"The database lacks {len(missing)} migrations: run callboard migrate."
        )


@asynccontextmanager
async def _ticking() -> AsyncIterator[Clock]:
    clock = Clock()
    await clock.set()
    keeping = asyncio.create_task(clock.keep())
    try:
        yield clock
    finally:
        keeping.cancel()


@asynccontextmanager
async def _opened_queue(url: str) -> AsyncIterator[Queue]:
    queue = open_queue(url)
    try:
        yield queue
    finally:
        await queue.close()


@asynccontextmanager
async def _opened_tries(url: str) -> AsyncIterator[SharedTries]:
    tries = open_tries(url)
    try:
        yield tries
    finally:
        await tries.close()


def _policy(settings: Settings) -> EgressPolicy:
    return EgressPolicy(
        settings.allow_destinations,
        settings.deny_destinations,
        frozenset(own_ports(settings)),
        is_ours,
    )


def _mailer(settings: Settings) -> Mailer:
    outbox = settings.data_dir / "outbox"
    return Mailer(settings.smtp_url, settings.mail_from, outbox)
