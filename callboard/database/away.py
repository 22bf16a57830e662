"""What the drivers raise when the database is away, and what they raise beside."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from callboard.errors import Unavailable

# The server is away, full, locked or shutting down, or lets nobody in or write while
# another one takes over: the same may well succeed later.
_ALWAYS = (
    Unavailable,
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalClientError,  # the connection broke, or is being ended
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    sqlite3.OperationalError,
)
# To be caught around queries only: elsewhere an OSError is a file that is missing.
AWAY = (OSError, *_ALWAYS)

# PostgreSQL keeps no NUL character in a text.
UNKEEPABLE = asyncpg.CharacterNotInRepertoireError


def says_away(error: Exception) -> bool:
    """Of an error from anywhere: plain queries raise what the driver raises."""
    return isinstance(error, _ALWAYS)


@contextmanager
def unavailable_if_away() -> Iterator[None]:
    try:
        yield
    except Unavailable:
        raise
    except AWAY as problem:
        raise Unavailable from problem
