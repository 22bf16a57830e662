"""Piccolo's SQLite engine with connections that stay open.

The one it comes with opens a connection for every query, which costs more than the
query. Ours keeps one writer and a few readers in WAL mode while its pool is open.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from piccolo.engine.sqlite import SQLiteEngine, dict_factory

from callboard.database.same_file import SameFile

_READERS = 3
# FULL: an answered 202 is on disk. busy_timeout: another process may be writing.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 10000",
    "PRAGMA cache_size = -16000",
)


class PooledSQLiteEngine(SQLiteEngine):
    turn_within = 5.0

    def __init__(self, path: str) -> None:
        super().__init__(path=path, timeout=10)
        self._writer: aiosqlite.Connection | None = None
        self._file: SameFile | None = None
        self._readers: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._turn = asyncio.Lock()

    async def start_connection_pool(self, **_: Any) -> None:
        self._turn = asyncio.Lock()
        self._readers = asyncio.LifoQueue()
        self._writer = await self.get_connection()
        await self._fetch(self._writer, "SELECT 1 FROM sqlite_schema", None)
        self._file = SameFile(self.path)
        for _reader in range(_READERS):
            self._readers.put_nowait(await self.get_connection())

    async def close_connection_pool(self) -> None:
        if self._writer is None:
            return
        await self._writer.close()
        self._writer = None
        while not self._readers.empty():
            await self._readers.get_nowait().close()

    async def get_connection(self) -> aiosqlite.Connection:
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        connection = await aiosqlite.connect(**self.connection_kwargs)
        connection.row_factory = dict_factory  # type: ignore[assignment]  # dicts, as Piccolo reads them
        for pragma in _PRAGMAS:
            await connection.execute(pragma)
        return connection

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[aiosqlite.Connection]:
        """The one connection that writes, for one transaction at a time.

        While another process keeps the file locked, each transaction here waits for
        it: those behind are refused soon, or their waits would add up.
        """
        assert self._writer is not None, "opened_database() comes first"
        assert self._file is not None
        try:
            async with asyncio.timeout(self.turn_within):
                await self._turn.acquire()
        except TimeoutError:
            raise sqlite3.OperationalError("database is locked") from None
        try:
            self._file.check()
            yield self._writer
            self._file.check()
        finally:
            self._turn.release()

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[aiosqlite.Connection]:
        assert self._file is not None, "opened_database() comes first"
        connection = await self._readers.get()
        try:
            self._file.check()
            yield connection
        finally:
            self._readers.put_nowait(connection)

    async def _run_in_new_connection(
        self,
        query: str,
        args: list[Any] | None = None,
        query_type: str = "generic",
        table: Any = None,
    ) -> Any:
        if self._writer is None:
            return await super()._run_in_new_connection(query, args, query_type, table)
        # Piccolo calls only some of the queries that read by that name.
        reads = query.lstrip()[:6].upper() == "SELECT"
        place = self.reader() if reads else self.writer()
        async with place as connection:
            return await self._fetch(connection, query, args)

    async def _run_in_existing_connection(
        self,
        connection: aiosqlite.Connection,
        query: str,
        args: list[Any] | None = None,
        query_type: str = "generic",
        table: Any = None,
    ) -> Any:
        return await self._fetch(connection, query, args)

    async def _fetch(
        self, connection: aiosqlite.Connection, query: str, args: list[Any] | None
    ) -> Any:
        return await connection.execute_fetchall(query, args or [])
