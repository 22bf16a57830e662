"""An event wakes a sleeping worker, through Redis and arq."""

from pathlib import Path

import pytest

from callboard import queue
from callboard.delivery import rhythm
from callboard.ingest import NewEvent
from tests.engine import TYPE, Engine
from tests.hearing import hearing

NEVER = 3600.0


@pytest.fixture(autouse=True)
def asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pump looks by itself, nor for a while after it was rung; each ring counts."""
    monkeypatch.setattr(rhythm, "ALONE", NEVER)
    monkeypatch.setattr(rhythm, "_KEEPS_LOOKING", 0)
    monkeypatch.setattr(queue, "_RING_AGAIN", 0.001)


@pytest.mark.filterwarnings("ignore:Call to deprecated close")  # arq's
async def test_each_event_is_delivered_although_nobody_looks(
    engine: Engine, tmp_path: Path
):
    await engine.webhook()
    engine.acceptor = engine.runtime.acceptor
    async with hearing(engine, tmp_path):
        for number in range(4):
            await engine.post_all([NewEvent(TYPE, b"%d" % number)])
            await engine.receiver.got(number + 1)
            await engine.settled()
    assert [call.data for call in engine.receiver.calls] == [0, 1, 2, 3]
