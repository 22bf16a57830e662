"""However many webhooks lead to one host, and however many workers call it."""

import asyncio

import pytest

from callboard.database import Rows, writing
from callboard.delivery import hosts
from tests.engine import Engine, eventually
from tests.receiver import Answer
from tests.worker import worker_process


async def test_workers_together_call_a_host_no_more_often_than_it_bears(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """Each has more leases than places; all webhooks have been quick before."""
    monkeypatch.setattr(hosts, "MOST_PER_HOST", 4)
    paths = [f"/{number}" for number in range(40)]
    for path in paths:
        await engine.webhook(path, concurrency=1)
    async with engine.working("wrk_a", "wrk_b", places=4):
        await engine.post()
        await engine.settled()
        gate = asyncio.Event()
        engine.receiver.usually |= dict.fromkeys(paths, Answer(gate=gate))
        await engine.post()
        await eventually(lambda: both_have_leases(engine))
        await engine.receiver.got(44)
        gate.set()
        await engine.settled()
    assert engine.receiver.most_in_all == 4
    assert len(engine.receiver.calls) == 80


async def both_have_leases(engine: Engine) -> bool:
    leases = await engine.rows("SELECT DISTINCT substr(lease, 1, 5) FROM delivery")
    return len(leases) == 3  # and some have none, or had


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
        assert await told()
        gate.set()
        await engine.settled()
        async with writing() as db:
            await db.fetch("DELETE FROM worker WHERE calls_per_host = 0")
    assert len(engine.receiver.calls) == 3
