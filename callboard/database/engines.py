"""Which engine, opened and closed once, and its schema."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg
from piccolo.apps.migrations.tables import Migration
from piccolo.engine.postgres import PostgresEngine
from piccolo.engine.sqlite import SQLiteEngine

from callboard.database.sqlite import PooledSQLiteEngine
from callboard.errors import Unavailable

DEFAULT_URL = "sqlite:///var/callboard.sqlite"


# Our statements touch few rows through indexes, in tables that grow quickly. Planned
# while a table was small, or for each call anew, they would cost ten times as much.
# The oldest of a webhook are to be found by an index that knows them; but rows lie in
# the order of their keys, so that to go through all of them would be thought cheaper,
# were it not for these costs. It took a second where others have a million.
_SESSION = {
    "application_name": "callboard",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "seq_page_cost": "100",
    "random_page_cost": "1",
    "max_parallel_workers_per_gather": "0",
    # A process that stands still in the middle of a transaction must let go of what
    # it has locked, or everybody would wait for as long as it does.
    "idle_in_transaction_session_timeout": "3s",
}


_PLAN_SECONDS = 5
_CONNECTIONS = 10  # of a process


async def _leave(connection: asyncpg.Connection) -> None:
    """We set nothing on a connection that the next user would have to undo."""


class QuietPostgresEngine(PostgresEngine):
    async def check_version(self) -> None:
        """Piccolo connects here when it is imported; we connect when we open."""


def make_engine(url: str) -> PooledSQLiteEngine | PostgresEngine:
    """`sqlite:///relative.sqlite`, `sqlite:////absolute.sqlite` or `postgres://…`."""
    if url.startswith("sqlite:///"):
        return PooledSQLiteEngine(url.removeprefix("sqlite:///"))
    return QuietPostgresEngine(_connection_parameters(url))


def _connection_parameters(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    found = {
        "host": query.get("host") or parts.hostname,
        "port": parts.port or (int(query["port"]) if "port" in query else None),
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "database": unquote(parts.path.lstrip("/")) or None,
        "ssl": query.get("sslmode"),
    }
    return {name: value for name, value in found.items() if value is not None}


def engine() -> PooledSQLiteEngine | PostgresEngine:
    """The process's one engine, which Piccolo's tables use too."""
    # Imported late: piccolo_conf builds its engine with this module.
    from callboard.piccolo_conf import DB

    return DB


async def open_database() -> None:
    """Raises Unavailable."""
    found = engine()
    try:
        if isinstance(found, SQLiteEngine):
            await found.start_connection_pool()
        else:
            await found.start_connection_pool(
                min_size=1,
                max_size=_CONNECTIONS,
                server_settings=_SESSION,
                max_cached_statement_lifetime=_PLAN_SECONDS,
                reset=_leave,
            )
    except (OSError, sqlite3.Error, asyncpg.PostgresError) as problem:
        why = str(problem) or "it does not answer"
        raise Unavailable(f"The database cannot be opened: {why}") from problem


async def close_database() -> None:
    await engine().close_connection_pool()


async def check_schema() -> list[str]:
    """The migrations that have not run here, oldest first; empty when all is well."""
    from callboard.piccolo_app import MIGRATIONS

    if not await Migration.table_exists():
        return list(MIGRATIONS)
    ran = await Migration.get_migrations_which_ran(app_name="callboard")
    return [name for name in MIGRATIONS if name not in ran]


async def migrate() -> None:
    """Brings the schema up to date; processes that do so together take turns."""
    async with opened_database(), _alone():
        if await check_schema():
            await _run_migrations()


@asynccontextmanager
async def opened_database() -> AsyncIterator[None]:
    await open_database()
    try:
        yield
    finally:
        await close_database()


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    found = engine()
    if isinstance(found, SQLiteEngine):
        yield
        return
    assert found.pool is not None
    async with found.pool.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock(hashtext('callboard'))")
        try:
            yield
        finally:
            await connection.execute("SELECT pg_advisory_unlock_all()")


async def _run_migrations() -> None:
    """Piccolo's own command, which wants a process of its own."""
    environ = {**os.environ, "PICCOLO_CONF": "callboard.piccolo_conf"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "piccolo.main", "migrations", "forwards", "callboard"),
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode or await check_schema():
        raise RuntimeError(f"the migration failed:\n{output.decode(errors='replace')}")
