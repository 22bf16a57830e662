"""Transactions, whatever becomes of those who asked for them."""

import asyncio
from contextvars import Context
from datetime import timedelta

import pytest

from callboard.database import Rows, check_schema, engine, writing
from callboard.database.sqlite import PooledSQLiteEngine
from callboard.delivery.tables import Worker
from callboard.errors import Unavailable
from tests.engine import cancelled
from tests.make import NOW

ADD = "INSERT INTO worker (id, beat, started_at, beat_at) VALUES (:id, 1, :now, :now)"


async def count() -> int:
    async with writing() as db:
        rows = await db.fetch("SELECT count(*) AS found FROM worker")
    return int(rows[0]["found"])


@pytest.mark.parametrize("patience", range(0, 60, 3))
async def test_a_cancelled_transaction_is_whole_or_gone(db: None, patience: int):
    """Wherever it was; and the next one finds the connection as it should be."""

    async def write() -> None:
        async with writing() as db:
            await db.fetch(ADD, id="one", now=NOW)
            await db.fetch(ADD, id="two", now=NOW)

    task = asyncio.create_task(write())
    for _ in range(patience):
        await asyncio.sleep(0)
    await cancelled(task)
    assert task.cancelled() or patience > 0
    assert await count() in (0, 2)


async def test_cancelling_ends_a_task_that_writes_all_the_time(db: None):
    async def write() -> None:
        while True:
            await count()

    for pause in range(40):
        task = asyncio.create_task(write())
        await asyncio.sleep(pause / 20_000)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_who_waits_too_long_for_the_one_writer_is_refused(
    db: None, monkeypatch: pytest.MonkeyPatch
):
    found = engine()
    if not isinstance(found, PooledSQLiteEngine):
        pytest.skip("PostgreSQL has many writers")
    monkeypatch.setattr(found, "turn_within", 0.05)
    async with found.writer():
        with pytest.raises(Unavailable):
            async with writing():
                pass
    async with writing() as database:
        await database.fetch("DELETE FROM worker")


async def test_who_only_reads_waits_for_no_writer(
    db: None, monkeypatch: pytest.MonkeyPatch
):
    found = engine()
    if not isinstance(found, PooledSQLiteEngine):
        pytest.skip("PostgreSQL has many writers")
    monkeypatch.setattr(found, "turn_within", 0.05)
    async with found.writer():
        assert await check_schema() == []
        assert await Worker.count() == 0
        assert not await Worker.exists()


async def test_who_stands_still_in_the_middle_lets_go_of_what_it_locked(db: None):
    """As a process that is stopped; here only its patience is shorter."""
    if isinstance(engine(), PooledSQLiteEngine):
        pytest.skip("a file stays locked as long as its process likes")
    async with writing() as connected:
        await connected.fetch(ADD, id="one", now=NOW)
        (said,) = await connected.fetch("SHOW idle_in_transaction_session_timeout")
    assert said["idle_in_transaction_session_timeout"] == "3s"
    with pytest.raises(Unavailable):
        await _stand_still()


async def _stand_still() -> None:
    lock = "UPDATE worker SET beat = beat + 1 WHERE id = 'one'"
    async with writing() as connected:
        await connected.fetch("SET idle_in_transaction_session_timeout = 50")
        await connected.fetch(lock)
        # Somebody else gets the lock, and only then may this one go on.
        await asyncio.create_task(_write(lock), context=Context())
        await connected.fetch(lock)


async def _write(sql: str) -> None:
    async with writing() as connected:
        await connected.fetch(sql)


@pytest.mark.parametrize(
    "how",
    ["SET TRANSACTION READ ONLY", "SET LOCAL lock_timeout = 20"],
    ids=["another server takes over from it", "others hold a lock"],
)
async def test_a_server_that_takes_nothing_now_is_away(db: None, how: str):
    if isinstance(engine(), PooledSQLiteEngine):
        pytest.skip("a file has no server")
    lock = "UPDATE worker SET beat = beat + 1 WHERE id = 'one'"
    async with writing() as connected:
        await connected.fetch(ADD, id="one", now=NOW)
    async with writing() as connected:
        await connected.fetch(lock)
        refused = asyncio.create_task(_write_after(how, lock), context=Context())
        with pytest.raises(Unavailable):
            await refused


async def _write_after(how: str, sql: str) -> None:
    async with writing() as connected:
        await connected.fetch(how)
        await connected.fetch(sql)


ODD = 'a"b\\u0000\\ \u2028 ü 🙂 \x7f \n {} [] :name $1'


async def test_a_list_of_rows_comes_through_a_statement_as_it_is(db: None):
    columns = {"seq": "bigint", "text": "text", "part": "float8", "good": "bool"}
    values = [(2**62, ODD, 0.1, True), (0, None, -1e300, False), (-1, "", 0.0, None)]
    async with writing() as database:
        found = await database.fetch(
            "SELECT seq, text, part, good FROM {them} ORDER BY seq DESC",
            them=Rows(columns, values),
        )
    assert [tuple(row.values()) for row in found] == values


async def test_times_and_bytes_come_through_a_statement_as_they_are(db: None):
    if isinstance(engine(), PooledSQLiteEngine):
        pytest.skip("it keeps times as text and takes bytes in no such list")
    value = (NOW + timedelta(microseconds=1), bytes(range(256)))
    async with writing() as database:
        rows = Rows({"at": "timestamptz", "body": "bytea"}, [value, (None, None)])
        found = await database.fetch("SELECT at, body FROM {rows}", rows=rows)
    assert [tuple(row.values()) for row in found] == [value, (None, None)]


async def test_large_columns_are_pressed_as_quickly_as_the_server_can(db: None):
    if isinstance(engine(), PooledSQLiteEngine):
        pytest.skip("SQLite presses nothing")
    async with writing() as database:
        (knows,) = await database.fetch(
            "SELECT 'lz4' = ANY(enumvals) AS lz4 FROM pg_settings"
            " WHERE name = 'default_toast_compression'"
        )
        found = await database.fetch(
            "SELECT attcompression::text AS how FROM pg_attribute"
            " WHERE attname IN ('request_body', 'response_body')"
            "   AND attrelid = 'attempt'::regclass"
            " OR attname = 'data' AND attrelid = 'event'::regclass"
        )
    assert [row["how"] for row in found] == ["l" if knows["lz4"] else "p"] * 3
