"""SQL text for both engines, in transactions that know how each must begin."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from callboard.database.away import unavailable_if_away
from callboard.database.engines import engine
from callboard.database.sqlite import PooledSQLiteEngine

Row = Mapping[str, Any]

# Ends a sub-select that is to be looked up for each row: PostgreSQL may otherwise read
# all there are at once, to compare them.
FENCE = "LIMIT 1 OFFSET 0"


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of tuples that stands as a table in a statement: `{name}`.

    `columns` maps each column to its PostgreSQL type. Both engines take them as JSON,
    so SQLite has no bytes in them. `bulky`: a column of texts that may be large; when
    inserted it goes beside the JSON, which would double it.
    """

    columns: Mapping[str, str]
    values: Sequence[tuple[Any, ...]]
    bulky: str | None = None


def as_time(value: datetime | str) -> datetime:
    """A time that a statement reckoned: SQLite tells no type for an expression."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Database:
    """A connection inside a transaction (or, for `reading`, beside any)."""

    connection: Any
    is_sqlite: bool

    async def fetch(self, sql: str, **values: Any) -> list[Row]:
        rows = {name: v for name, v in values.items() if isinstance(v, Rows)}
        shape = tuple((name, tuple(v.columns.items())) for name, v in rows.items())
        text, order = _compile(sql, shape, self.is_sqlite)
        if self.is_sqlite:
            arguments = {
                name: _as_text(v) if isinstance(v, Rows | list) else v
                for name, v in values.items()
            }
            return list(await self.connection.execute_fetchall(text, arguments))
        found = values | {name: _as_json(v.values) for name, v in rows.items()}
        return list(await self.connection.fetch(text, *(found[name] for name in order)))

    async def fetch_both(self, first: str, second: str, **values: Any) -> list[Row]:
        """Two statements, neither of which needs what the other changes; the rows of
        the second. PostgreSQL runs them in one, which saves waiting for an answer."""
        if not self.is_sqlite:
            return await self.fetch(f"WITH first AS ({first}) {second}", **values)
        await self.fetch(first, **values)
        return await self.fetch(second, **values)

    async def insert(self, table: str, rows: Rows) -> int:
        """All rows in one statement; a row whose unique key is there is passed over.
        How many are new."""
        if not rows.values:
            return 0
        if self.is_sqlite:
            names = tuple(rows.columns)
            marks = ", ".join("?" * len(names))
            text = f"{_into(table, names)} VALUES ({marks}) ON CONFLICT DO NOTHING"
            return int((await self.connection.executemany(text, rows.values)).rowcount)
        text, arguments = _insertion(table, rows)
        done = await self.connection.execute(text, *arguments)
        return int(done.rpartition(" ")[2])


@asynccontextmanager
async def writing() -> AsyncIterator[Database]:
    """One transaction, or the caller's if there is one; Piccolo's queries join it.

    On SQLite it begins IMMEDIATE: one that reads first and writes later would find
    the database locked at once. Raises Unavailable when the database is away.
    """
    found = engine()
    current: Any = found.current_transaction.get()
    if current is not None:
        yield current
        return
    with unavailable_if_away():
        if isinstance(found, PooledSQLiteEngine):
            async with found.writer() as connection, _immediate(connection):
                database = Database(connection, is_sqlite=True)
                with _current(found, database):
                    yield database
        else:
            assert found.pool is not None, "opened_database() comes first"
            async with found.pool.acquire() as connection, connection.transaction():
                database = Database(connection, is_sqlite=False)
                with _current(found, database):
                    yield database


@asynccontextmanager
async def reading() -> AsyncIterator[Database]:
    """A connection for SQL text that only reads; inside `writing`, its transaction."""
    found = engine()
    current: Any = found.current_transaction.get()
    if current is not None:
        yield current
        return
    with unavailable_if_away():
        if isinstance(found, PooledSQLiteEngine):
            async with found.reader() as connection:
                yield Database(connection, is_sqlite=True)
        else:
            assert found.pool is not None, "opened_database() comes first"
            async with found.pool.acquire() as connection:
                yield Database(connection, is_sqlite=False)


@asynccontextmanager
async def _immediate(connection: Any) -> AsyncIterator[None]:
    """A caller that is cancelled leaves a statement running in the connection's
    thread. The rollback waits for that, and does nothing if it was the COMMIT."""
    try:
        await connection.execute("BEGIN IMMEDIATE")
        yield
        await connection.execute("COMMIT")
    except BaseException:
        await connection.rollback()
        raise


@contextmanager
def _current(found: Any, database: Database) -> Iterator[None]:
    token = found.current_transaction.set(database)
    try:
        yield
    finally:
        found.current_transaction.reset(token)


@lru_cache(maxsize=256)
def _compile(
    sql: str, shape: tuple[tuple[str, tuple[tuple[str, str], ...]], ...], sqlite: bool
) -> tuple[str, tuple[str, ...]]:
    """The engine's text, and for PostgreSQL the order of its `$n` arguments."""
    make = _json_table if sqlite else _json_rows
    for name, columns in shape:
        sql = sql.replace(f"{{{name}}}", make(name, columns))
    if sqlite:
        # SQLite knows no ANY(list): the list comes as JSON.
        sql = re.sub(r"= ANY\((:\w+)\)", r"IN (SELECT value FROM json_each(\1))", sql)
        return re.sub(r"FOR (UPDATE|SHARE)( OF \w+)?( SKIP LOCKED)?", "", sql), ()
    order: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in order:
            order.append(match[1])
        return f"${order.index(match[1]) + 1}"

    return re.sub(r"(?<!:):([a-z_]\w*)", number, sql), tuple(order)


def _json_rows(name: str, columns: Sequence[tuple[str, str]]) -> str:
    """Arrays of the columns would be dearer: asyncpg asks of each value whether it is
    an array, too, which takes ten times as long as all that JSON does."""
    fields = ", ".join(
        f"{_read(place, kind)} AS {column}"
        for place, (column, kind) in enumerate(columns)
    )
    items = f"jsonb_array_elements(:{name}::jsonb) AS item"
    return f"(SELECT {fields} FROM {items}) AS {name}"


def _read(place: int, kind: str) -> str:
    text = f"item ->> {place}"
    return f"decode({text}, 'base64')" if kind == "bytea" else f"({text})::{kind}"


def _into(table: str, names: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(names)})"


def _insertion(table: str, rows: Rows) -> tuple[str, list[Any]]:
    """PostgreSQL's text and arguments."""
    text = _insert(table, tuple(rows.columns.items()), rows.bulky)
    if rows.bulky is None:
        return text, [_as_json(rows.values)]
    place = list(rows.columns).index(rows.bulky)
    values = [(*row[:place], None, *row[place + 1 :]) for row in rows.values]
    return text, [_as_json(values), [row[place] for row in rows.values]]


@lru_cache(maxsize=32)
def _insert(table: str, columns: Sequence[tuple[str, str]], bulky: str | None) -> str:
    fields = ", ".join(
        "bulky" if column == bulky else _read(place, kind)
        for place, (column, kind) in enumerate(columns)
    )
    found = "jsonb_array_elements($1::jsonb)"
    if bulky:
        found = f"ROWS FROM ({found}, unnest($2::text[]))"
    names = [column for column, _ in columns]
    return (
        f"{_into(table, names)} SELECT {fields}"
        f" FROM {found} AS rows (item{', bulky' if bulky else ''})"
        " ON CONFLICT DO NOTHING"
    )


def _json_table(name: str, columns: Sequence[tuple[str, str]]) -> str:
    fields = ", ".join(
        f"json_extract(value, '$[{place}]') AS {column}"
        for place, (column, _) in enumerate(columns)
    )
    return f"(SELECT {fields} FROM json_each(:{name})) AS {name}"


def _as_json(values: Sequence[tuple[Any, ...]]) -> str:
    return msgspec.json.encode(values).decode()


def _as_text(value: Rows | list[Any]) -> str:
    """Times as SQLite keeps them."""
    return json.dumps(value.values if isinstance(value, Rows) else value, default=str)
