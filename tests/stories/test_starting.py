"""A process whose database stands still while it starts waits, or ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.copies import CLEAN, READY, Run, eventually, is_alive, start_up
from tests.engine import Engine
from tests.servers import free_port
from tests.ways import Way, way_to

GOES_ON = 20.0  # on a busy machine
KILLED_AFTER = 30.0  # by a platform
KEPT = {name: os.environ[name] for name in ("SECRET_KEY", "ALLOW_DESTINATIONS")}

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        os.environ.get("TEST_ENGINE") != "postgres", reason="a file always answers"
    ),
]


@dataclass(frozen=True)
class Moment:
    """Of a start: a statement with this text is not answered, after so many are."""

    verb: str
    text: str
    passing: int = 0

    def __str__(self) -> str:
        return f"{self.verb} {self.text}"


# The web process opens the database twice: the first time to tell in a sentence.
TRIED, SERVING = Moment("web", "application_name"), Moment("web", "clock_timestamp", 1)
CONNECTING = Moment("worker", "application_name")
READING, BEATING = (
    Moment("worker", "clock_timestamp"),
    Moment("worker", "INSERT INTO worker"),
)
OPENING, MIGRATING = (
    Moment("up", "application_name"),
    Moment("up", "pg_advisory_lock"),
)
PARTS = Moment("up", "clock_timestamp")
MOMENTS = [(TRIED, SERVING), (CONNECTING, READING), (OPENING, MIGRATING)]
SAYS = {"web": "database.silent", "worker": "database.silent", "up": "Waiting for"}
STARTED = {"web": "Uvicorn running", "worker": "worker.started", "up": READY}


@pytest.mark.parametrize("moments", MOMENTS, ids=["web", "worker", "up"])
async def test_it_says_so_and_goes_on_when_the_database_does(
    moments: tuple[Moment, ...], engine: Engine, tmp_path: Path
):
    starts = [said_and_went_on(m, tmp_path / str(n)) for n, m in enumerate(moments)]
    assert not any("Traceback" in said for said in await asyncio.gather(*starts))


async def said_and_went_on(moment: Moment, directory: Path) -> str:
    async with stalled(moment, directory) as (run, way):
        await says(run, SAYS[moment.verb], KILLED_AFTER)
        assert STARTED[moment.verb] not in run.output()
        way.move_on()
        await says(run, STARTED[moment.verb], GOES_ON)
        run.process.terminate()
        await asyncio.to_thread(run.process.wait, KILLED_AFTER)
        return run.output()


async def test_a_write_that_the_database_gave_up_meanwhile_is_told_in_a_sentence(
    engine: Engine, tmp_path: Path
):
    async with stalled(BEATING, tmp_path) as (run, way):
        await says(run, SAYS["worker"], KILLED_AFTER)
        way.move_on()
        await asyncio.to_thread(run.process.wait, GOES_ON)
    assert run.process.returncode == 1
    assert run.output().endswith("The database is away; try again in a moment.\n")


@pytest.mark.parametrize("moment", [TRIED, SERVING, CONNECTING, BEATING], ids=str)
async def test_asked_to_end_it_does_so_at_once(
    moment: Moment, engine: Engine, tmp_path: Path
):
    async with stalled(moment, tmp_path) as (run, _):
        run.process.terminate()
        await asyncio.to_thread(run.process.wait, 5)
    assert run.process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("moment", [MIGRATING, PARTS], ids=str)
async def test_all_that_one_command_started_ends_in_time(
    moment: Moment, engine: Engine, tmp_path: Path
):
    async with stalled(moment, tmp_path) as (run, _):
        children = run.children()
        run.process.terminate()
        asked = time.monotonic()
        await asyncio.to_thread(run.process.wait, KILLED_AFTER)
        left = asked + KILLED_AFTER - time.monotonic()
        ended = partial(none_is_alive, children)
        await asyncio.to_thread(eventually, ended, left)
    assert children


def test_it_waits_for_no_longer_than_it_may():
    """As long as nobody answers, told here by a start that never ends."""
    code = (
        "from threading import Event\n"
        "from callboard.processes.starting import starting\n"
        "with starting(most=0.2): Event().wait()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=CLEAN,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == "The database has not answered for a minute.\n"


@asynccontextmanager
async def stalled(moment: Moment, directory: Path) -> AsyncIterator[tuple[Run, Way]]:
    """From that moment on."""
    async with way_to(os.environ["DATABASE_URL"]) as way:
        way.at(moment.text, Way.stand_still, passing=moment.passing)
        more = KEPT | {"DATABASE_URL": way.url}
        if moment.verb != "up":
            more["REDIS_URL"] = os.environ["REDIS_URL"]
        run = start_up(directory, free_port(), moment.verb, **more)
        try:
            await asyncio.to_thread(eventually, lambda: way.has_acted)
            yield run, way
        finally:
            run.process.kill()
            run.process.wait()


async def says(run: Run, words: str, within: float) -> None:
    await asyncio.to_thread(eventually, partial(is_in, run, words), within)


def is_in(run: Run, words: str) -> bool:
    return words in run.output()


def none_is_alive(pids: list[int]) -> bool:
    return not any(map(is_alive, pids))
