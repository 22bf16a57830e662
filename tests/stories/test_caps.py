"""Several workers on one database keep caps, rates and order together."""

import asyncio
import random
from contextvars import Context
from time import monotonic

import pytest

from callboard.database import writing
from callboard.delivery import ledger
from callboard.delivery.ledger import Claimed
from callboard.delivery.states import Lane
from callboard.delivery.workers import bury
from callboard.ingest import NewEvent
from tests import make
from tests.cast import Cast
from tests.engine import TYPE, Engine, eventually
from tests.receiver import WITHIN, Answer


class TestCaps:
    async def test_two_workers_never_exceed_a_webhooks_concurrency(
        self, engine: Engine
    ):
        await engine.webhook(concurrency=3)
        engine.receiver.usually["/"] = Answer(takes=0.005)
        await engine.post_all([NewEvent(TYPE, b"%d" % n) for n in range(200)])
        async with engine.working("wrk_a", "wrk_b"):
            await engine.settled()
        assert 1 < engine.receiver.most_at_once["/"] <= 3
        assert sorted(call.data for call in engine.receiver.calls) == [*range(200)]

    async def test_a_new_webhook_begins_with_one_call(self, engine: Engine):
        await engine.webhook(concurrency=10)
        gate = engine.receiver.close_gate("/")
        async with engine.working("wrk_a", "wrk_b"):
            for _ in range(20):
                await engine.post()
            await engine.receiver.got(1)
            await eventually(lambda: is_patient(engine))
            assert engine.receiver.most_at_once["/"] == 1
            gate.set()
            await engine.settled()

    @pytest.mark.parametrize("seed", range(3))
    async def test_an_ordered_webhook_gets_everything_in_order(
        self, engine: Engine, seed: int
    ):
        """However often it fails, and whoever works; a failed one holds the others."""
        chance = random.Random(seed)  # noqa: S311
        await engine.webhook(ordered=True, schedule=(1, 1, 1, 1))
        statuses = [200] * 40
        for place in chance.sample(range(20), 2):
            statuses[place] = 500
        engine.receiver.script("/", *statuses)
        async with engine.working("wrk_a", "wrk_b", "wrk_c"):
            for number in range(30):
                await engine.post(b"%d" % number)
                if chance.random() < 0.3:
                    await asyncio.sleep(0.01)
            await engine.settled()
        calls = [call.data for call in engine.receiver.calls]
        tried = zip(calls, statuses, strict=False)
        assert [data for data, status in tried if status == 200] == [*range(30)]
        assert calls == sorted(calls)
        assert engine.receiver.most_at_once["/"] == 1

    async def test_a_rate_is_kept(self, engine: Engine):
        rate = 20.0
        await engine.webhook(rate_per_second=rate, concurrency=50)
        for _ in range(50):
            await engine.post()
        begun = monotonic()
        async with engine.working("wrk_a", "wrk_b"):
            await engine.settled()
        times = [call.at - begun for call in engine.receiver.calls]
        assert len(times) == 50
        assert times[-1] < 5
        for count, time in enumerate(times, 1):
            assert count <= rate + rate * time

    async def test_a_slow_receiver_turns_patient_and_back(self, engine: Engine):
        await engine.webhook(concurrency=5)
        async with engine.working():
            for _ in range(30):
                await engine.post()
            await engine.settled()
            gate = engine.receiver.close_gate("/")
            for _ in range(30):
                await engine.post()
            await eventually(lambda: is_patient(engine))
            engine.receiver.usually.clear()
            gate.set()
            await engine.settled()

            async def express() -> bool:
                return not await is_patient(engine)

            await eventually(express)
        assert len(engine.receiver.calls) == 60

    async def test_many_slow_receivers_leave_room_for_a_quick_one(self, engine: Engine):
        """More of them than there are places; the quick one has been seen before."""
        await engine.webhook("/quick")
        gates = [engine.receiver.close_gate(f"/slow/{n}") for n in range(12)]
        async with engine.working(places=8):
            await engine.post()
            await engine.settled()
            for number in range(12):
                await engine.webhook(f"/slow/{number}")
            for _ in range(2):
                await engine.post()
            await engine.receiver.got(3, "/quick")
            await eventually(lambda: is_patient(engine))
            for count in range(4, 8):
                begun = monotonic()
                await engine.post()
                await engine.receiver.got(count, "/quick")
                assert monotonic() - begun < 5
            engine.receiver.usually.clear()
            for gate in gates:
                gate.set()
            await engine.settled()

    async def test_an_account_with_much_waiting_keeps_nobody_waiting(
        self, engine: Engine, cast: Cast
    ):
        await make.event_type(cast.charlie.account, TYPE)
        calm = Engine(cast.charlie.account, engine.runtime, engine.receiver)
        calm.pumps = engine.pumps
        await calm.webhook("/calm")
        busy = await engine.webhook("/busy", concurrency=256)
        for _ in range(3):
            await engine.post_all([NewEvent(TYPE, b"1")] * 1000)
        async with engine.working(places=8):
            await engine.receiver.got(20, "/busy")
            for count in range(1, 4):
                await calm.post()
                await engine.receiver.got(count, "/calm")
            assert len(engine.receiver.at("/busy")) < 2000
            await engine.delete(busy)
            await engine.settled()

    async def test_an_account_with_many_webhooks_takes_turns_with_the_others(
        self, engine: Engine, cast: Cast
    ):
        await make.event_type(cast.charlie.account, TYPE)
        calm = Engine(cast.charlie.account, engine.runtime, engine.receiver)
        for number in range(6):
            await engine.webhook(f"/busy/{number}")
        await engine.post()
        webhook = await calm.webhook("/calm")
        await calm.post()
        now = engine.runtime.clock()
        async with writing() as db:  # the others have waited longer
            await db.fetch("UPDATE turn SET served = 1 WHERE webhook = :id", id=webhook)
            found = await ledger.claim(db, Lane.UNTRIED, 2, "wrk_a/1", now)
        accounts = {each.account for each in found}
        assert accounts == {engine.account, cast.charlie.account}
        await bury("wrk_a", now)
        await engine.work()

    async def test_two_workers_that_claim_an_ordered_webhook_at_once_get_one_delivery(
        self, engine: Engine
    ):
        """The other looks while one has not committed yet."""
        await engine.webhook(ordered=True, concurrency=9)
        await engine.post_all([NewEvent(TYPE, b"1")] * 5)
        now, others, waited = engine.runtime.clock(), [], []

        async def claim(worker: str) -> list[Claimed]:
            async with writing() as db:
                found = await ledger.claim(db, Lane.UNTRIED, 5, f"{worker}/1", now)
                if worker == "wrk_a":
                    others.append(
                        asyncio.create_task(claim("wrk_b"), context=Context())
                    )
                    patience = WITHIN if engine.is_postgres else 0.2
                    await asyncio.wait(others, timeout=patience)
                    waited.append(not others[0].done())
                return found

        found = await claim("wrk_a")
        assert waited == [not engine.is_postgres]  # there nobody waits for a lock
        found += await others[0]
        assert [each.seq for each in found] == [1]
        for worker in ("wrk_a", "wrk_b"):
            await bury(worker, now)
        async with engine.working():
            await engine.settled()


async def is_patient(engine: Engine) -> bool:
    return bool(await engine.rows("SELECT 1 FROM turn WHERE lane = 'patient'"))
