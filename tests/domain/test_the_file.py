"""SQLite's file, replaced or removed by somebody while it is open."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from callboard.database import engine, reading, writing
from callboard.database.sqlite import PooledSQLiteEngine
from callboard.delivery.tables import Event, Worker
from callboard.errors import Unavailable
from tests.engine import TYPE, Engine


@pytest.fixture
def file(db: None) -> Path:
    found = engine()
    if not isinstance(found, PooledSQLiteEngine):
        pytest.skip("PostgreSQL looks after its files itself")
    return Path(found.path)


def put_a_copy_there(file: Path) -> None:
    shutil.copy(file, f"{file}.copy")
    Path(f"{file}.copy").rename(file)


def remove_its_log(file: Path) -> None:
    Path(f"{file}-wal").unlink()


MEDDLING = pytest.mark.parametrize(
    "meddle", [Path.unlink, put_a_copy_there, remove_its_log]
)
Meddle = Callable[[Path], None]


@MEDDLING
async def test_nothing_is_read_from_or_written_to_a_file_that_nobody_finds(
    file: Path, meddle: Meddle
):
    meddle(file)
    with pytest.raises(Unavailable, match="restart Callboard"):
        async with writing():
            pytest.fail("it would be lost")
    with pytest.raises(Unavailable, match="restart Callboard"):
        async with reading():
            pytest.fail("it is out of date")
    with pytest.raises(Unavailable, match="restart Callboard"):
        await Worker.count()


async def test_what_is_written_while_the_file_is_replaced_is_not_confirmed(file: Path):
    async def write() -> None:
        async with writing() as db:
            await db.fetch("DELETE FROM worker")
            put_a_copy_there(file)

    with pytest.raises(Unavailable, match="restart Callboard"):
        await write()


async def test_once_the_file_is_back_all_goes_on(
    file: Path, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level("INFO"):
        with away(file):
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await Worker.count()
        assert await Worker.count() == 0
    said = [each.message for each in caplog.records if "database." in each.message]
    assert said == ["database.moved", "database.back"]


async def test_an_event_is_refused_and_the_probe_says_why(
    file: Path, api: httpx.AsyncClient, engine: Engine
):
    event = {"type": TYPE, "data": {}}
    assert (await api.post("/api/v1/events", json=event)).status_code == 202
    with away(file):
        answer = await api.post("/api/v1/events", json=event)
        ready = await api.get("/readyz")
    assert (answer.status_code, ready.status_code) == (503, 503)
    assert "replaced or removed" in ready.json()["problem"]
    assert await Event.count() == 1


@contextmanager
def away(file: Path) -> Iterator[None]:
    elsewhere = file.rename(f"{file}.away")
    yield
    elsewhere.rename(file)
