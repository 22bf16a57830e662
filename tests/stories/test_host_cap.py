"""However many webhooks lead to one host, and however many workers call it."""

import pytest

from callboard.database import Rows, writing
from callboard.delivery import hosts
from callboard.ingest import NewEvent
from tests.engine import TYPE, Engine, eventually
from tests.receiver import Answer
from tests.worker import worker_process


async def test_workers_together_call_a_host_no_more_often_than_it_bears(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hosts, "MOST_PER_HOST", 4)
    for number in range(6):
        await engine.webhook(f"/{number}", concurrency=10)
        engine.receiver.usually[f"/{number}"] = Answer(takes=0.002)
    await engine.post_all([NewEvent(TYPE, b"1")] * 20)
    async with engine.working("wrk_a", "wrk_b"):
        await engine.settled()
    assert 1 < engine.receiver.most_in_all <= 4
    assert len(engine.receiver.calls) == 120


async def test_a_worker_process_tells_the_others_of_its_calls(engine: Engine):
    """So many of them have come that it should make one, and it is making three."""
    for _ in range(3):
        await engine.webhook()
    gate = engine.receiver.close_gate("/")
    async with worker_process():
        await engine.post()
        await engine.receiver.got(3)
        others = [(f"wrk_{number}", number) for number in range(255)]
        async with writing() as db:
            rows = Rows({"id": "text", "beat": "bigint"}, others)
            await db.insert("worker", rows)

        async def told() -> bool:
            shares = "SELECT 1 FROM worker WHERE calls_per_host = 3"
            return bool(await engine.rows(shares))

        await eventually(told)
        gate.set()
        await engine.settled()
        async with writing() as db:
            await db.fetch("DELETE FROM worker WHERE calls_per_host = 0")
