"""Workers on one machine know at once when one of them has died."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from callboard.delivery.presence import Presence
from callboard.delivery.workers import Watch
from tests.make import NOW

STAYS = """
import sys, pathlib
from callboard.delivery.presence import Presence
presence = Presence(pathlib.Path(sys.argv[1]), "wrk_other")
print("here", flush=True)
sys.stdin.read()
"""


async def neighbour(directory: Path) -> Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STAYS, str(directory)), stdin=PIPE, stdout=PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"here\n"
    return process


async def test_a_killed_neighbour_is_gone_at_once(tmp_path):
    mine = Presence(tmp_path, "wrk_mine")
    process = await neighbour(tmp_path)
    assert mine.gone(["wrk_other"]) == []
    process.kill()
    await process.communicate()
    assert mine.gone(["wrk_other"]) == ["wrk_other"]
    mine.forget("wrk_other")
    assert mine.gone(["wrk_other"]) == []
    mine.leave()
    assert list(tmp_path.iterdir()) == []


async def test_who_was_buried_alive_is_missed_at_once_when_it_dies(tmp_path):
    mine = Presence(tmp_path, "wrk_mine")
    process = await neighbour(tmp_path)
    mine.forget("wrk_other")
    process.kill()
    await process.communicate()
    assert mine.gone(["wrk_other"]) == ["wrk_other"]
    mine.leave()


async def test_of_workers_elsewhere_it_says_nothing(tmp_path):
    mine = Presence(tmp_path, "wrk_mine")
    (tmp_path / "wrk_far.another-kernel").touch()
    assert mine.gone(["wrk_far", "wrk_unheard_of"]) == []
    mine.leave()


async def test_the_watch_buries_who_is_gone_without_waiting(tmp_path, runtime):
    mine = Presence(tmp_path, "wrk_mine")
    watch = Watch("wrk_mine", presence=mine)
    process = await neighbour(tmp_path)
    await Watch("wrk_other").beat(NOW)
    assert await watch.beat(NOW) == []
    process.kill()
    await process.communicate()
    assert await watch.beat(NOW) == ["wrk_other"]
    await watch.bury("wrk_other", NOW)
    assert await watch.beat(NOW) == []
    mine.leave()
