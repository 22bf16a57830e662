"""What a process holds open: opened once at its start, closed once at its end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from callboard.config import Settings
from callboard.database import Clock, check_schema, close_database, open_database
from callboard.delivery.sender import Sender, open_sender
from callboard.egress.policy import EgressPolicy
from callboard.ingest import Acceptor
from callboard.queue import ArqQueue, open_queue
from callboard.vault import Vault


class OldSchema(Exception):
    """The database lacks migrations: `callboard migrate` runs them."""


@dataclass(frozen=True, slots=True)
class Runtime:
    settings: Settings
    vault: Vault
    queue: ArqQueue
    sender: Sender
    acceptor: Acceptor
    clock: Clock


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """Raises OldSchema, or Unavailable when the database is away."""
    await open_database()
    try:
        if missing := await check_schema():
            raise OldSchema(
                f"The database lacks {len(missing)} migrations: run callboard migrate."
            )
        clock = Clock()
        await clock.set()
        policy = EgressPolicy(settings.allow_destinations, settings.deny_destinations)
        queue = open_queue(settings.redis_url)
        try:
            async with open_sender(policy) as sender:
                vault = Vault([key.strip() for key in settings.secret_key.split(",")])
                acceptor = Acceptor(queue.ring)
                yield Runtime(settings, vault, queue, sender, acceptor, clock)
        finally:
            await queue.close()
    finally:
        await close_database()
