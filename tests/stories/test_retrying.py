"""What fails is tried again by plan, by hand, or as a replay."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from callboard.database import writing
from callboard.delivery import by_hand, reading
from callboard.delivery.reading import DeliveryView
from callboard.errors import Conflict, NotFound
from tests.cast import Cast
from tests.engine import Engine, eventually
from tests.receiver import Answer


async def only(engine: Engine) -> DeliveryView:
    (id,) = await engine.deliveries()
    return await reading.get(engine.account, id)


async def tried(engine: Engine, times: int, place: int = -1) -> DeliveryView:
    """Waits until a delivery has been tried so often and the last try is recorded."""

    async def done() -> bool:
        found = await reading.get(engine.account, (await engine.deliveries())[place])
        return len(found.attempts) == times and not found.in_flight

    await eventually(done)
    return await reading.get(engine.account, (await engine.deliveries())[place])


async def test_a_failing_receiver_gets_the_same_call_until_it_takes_it(engine: Engine):
    await engine.webhook(schedule=(1, 1, 1))
    engine.receiver.script("/", 500, 500, 200)
    receipt = await engine.post(b'{"n": 1}')
    async with engine.working():
        first, second, third = await engine.receiver.got(3)
        await engine.settled()
    assert {call.id for call in engine.receiver.calls} == {receipt.id}
    assert first.body == second.body == third.body
    assert third.headers["webhook-timestamp"] > first.headers["webhook-timestamp"]
    assert third.headers["webhook-signature"] != first.headers["webhook-signature"]
    delivery = await only(engine)
    assert delivery.state == "delivered"
    begun = [attempt.started_at for attempt in delivery.attempts]
    for earlier, later in pairwise(begun):
        assert timedelta(seconds=0.9) <= later - earlier < timedelta(seconds=5)
    assert [(a.number, a.status) for a in delivery.attempts] == [
        (1, 500),
        (2, 500),
        (3, 200),
    ]


async def test_when_every_try_has_failed_so_has_the_delivery(engine: Engine):
    await engine.webhook(schedule=(1,), deactivate_after=None)
    engine.receiver.usually["/"] = Answer(500)
    await engine.post()
    async with engine.working():
        await engine.receiver.got(1)
        engine.skip(1)
        await engine.settled()
    delivery = await only(engine)
    assert (delivery.state, delivery.last_status) == ("failed", 500)
    assert delivery.reason
    assert delivery.finished_at
    assert len(engine.receiver.calls) == 2


async def test_a_plan_without_retries_tries_once(engine: Engine):
    await engine.webhook(schedule=())
    engine.receiver.script("/", 500)
    await engine.post()
    await engine.work()
    assert await engine.states() == ["failed"]


@pytest.mark.parametrize(
    ("rule", "status", "state"),
    [
        ("2xx", 204, "delivered"),
        ("200", 204, "failed"),
        ((200, 404), 404, "delivered"),
        ("2xx", 302, "failed"),
    ],
)
async def test_success_is_what_the_webhook_says(engine: Engine, rule, status, state):
    await engine.webhook(schedule=(), success=rule)
    engine.receiver.script("/", Answer(status, body=b""))
    await engine.post()
    await engine.work()
    assert await engine.states() == [state]


async def test_the_next_try_is_after_the_gap_from_the_start_of_the_last(engine: Engine):
    await engine.webhook(schedule=(2, 1000))
    engine.receiver.script("/", Answer(500, takes=0.5))
    await engine.post()
    async with engine.working():
        delivery = await tried(engine, 1)
    started = delivery.attempts[0].started_at
    assert started + timedelta(seconds=1.8) <= due(delivery)
    assert due(delivery) <= started + timedelta(seconds=2)


async def test_a_receiver_may_ask_for_a_later_try(engine: Engine):
    await engine.webhook(schedule=(100,))
    engine.receiver.script("/", Answer(429, headers=(("Retry-After", "150"),)))
    await engine.post()
    async with engine.working():
        delivery = await tried(engine, 1)
    started = delivery.attempts[0].started_at
    assert due(delivery) >= started + timedelta(seconds=149)


def due(delivery: DeliveryView) -> datetime:
    assert delivery.next_try_at
    return delivery.next_try_at


class TestByHand:
    async def test_a_try_by_hand_leaves_the_plan_as_it_was(self, engine: Engine):
        await engine.webhook(schedule=(100, 1000))
        engine.receiver.script("/", 500, 500, 500)
        await engine.post()
        async with engine.working():
            planned = due(await tried(engine, 1))
            for times in (2, 3):
                await self.try_now(engine)
                delivery = await tried(engine, times)
                assert (delivery.state, due(delivery)) == ("pending", planned)
        triggers = [attempt.trigger for attempt in delivery.attempts]
        assert triggers == ["plan", "hand", "hand"]

    async def test_a_try_by_hand_does_not_use_the_plan_up(self, engine: Engine):
        await engine.webhook(schedule=(100,))
        engine.receiver.script("/", 500, 500, 200)
        await engine.post()
        async with engine.working():
            await tried(engine, 1)
            await self.try_now(engine)
            await tried(engine, 2)
            engine.skip(100)
            await engine.settled()
        assert await engine.states() == ["delivered"]

    async def test_a_success_by_hand_ends_the_delivery(self, engine: Engine):
        await engine.webhook(schedule=(100,))
        engine.receiver.script("/", 500)
        await engine.post()
        async with engine.working():
            await tried(engine, 1)
            await self.try_now(engine)
            await engine.settled()
        assert await engine.states() == ["delivered"]

    async def test_what_is_finished_is_not_tried(self, engine: Engine):
        await engine.webhook()
        await engine.post()
        await engine.work()
        with pytest.raises(Conflict):
            await self.try_now(engine)

    async def test_what_is_to_be_tried_by_hand_is_not_asked_for_twice(
        self, engine: Engine
    ):
        """The plan's next time would be forgotten."""
        await engine.webhook(schedule=(100,))
        engine.receiver.script("/", 500, 500)
        await engine.post()
        async with engine.working():
            planned = due(await tried(engine, 1))
        await self.try_now(engine)
        with pytest.raises(Conflict):
            await self.try_now(engine)
        async with engine.working():
            assert due(await tried(engine, 2)) == planned

    async def test_nobody_tries_more_often_than_can_be_written_down(
        self, engine: Engine
    ):
        """The count would not fit, and with it nothing that is recorded together."""
        await engine.webhook(schedule=(100,))
        engine.receiver.script("/", 500)
        await engine.post()
        async with engine.working():
            await tried(engine, 1)
        async with writing() as db:
            await db.fetch("UPDATE delivery SET attempts = 32000")
        with pytest.raises(Conflict, match="was tried 10000 times"):
            await self.try_now(engine)
        rows = await engine.rows("SELECT trigger FROM delivery")
        assert [row["trigger"] for row in rows] == ["plan"]

    async def test_what_is_on_its_way_is_not_tried_or_cancelled(self, engine: Engine):
        await engine.webhook()
        gate = engine.receiver.close_gate("/")
        await engine.post()
        async with engine.working():
            await engine.receiver.got(1)
            with pytest.raises(Conflict):
                await self.try_now(engine)
            with pytest.raises(Conflict):
                await self.cancel(engine)
            gate.set()
            await engine.settled()

    async def test_a_cancelled_delivery_is_never_sent(self, engine: Engine):
        await engine.webhook()
        await engine.post(b"1")
        await self.cancel(engine)
        async with engine.working():
            await engine.post(b"2")
            await engine.settled()
        assert [call.data for call in engine.receiver.calls] == [2]
        assert await engine.states() == ["cancelled", "delivered"]

    async def test_in_order_what_is_next_goes_once_the_first_is_cancelled(
        self, engine: Engine
    ):
        await engine.webhook(schedule=(3600,), ordered=True)
        engine.receiver.script("/", 500)
        await engine.post()
        async with engine.working():
            await tried(engine, 1)
            first = (await engine.deliveries())[0]
            await engine.post()
            await by_hand.cancel(engine.by, first)
            engine.ring()
            await engine.settled()
        assert await engine.states() == ["cancelled", "delivered"]

    async def try_now(self, engine: Engine) -> None:
        (id,) = await engine.deliveries()
        await by_hand.try_now(engine.by, id)

    async def cancel(self, engine: Engine) -> None:
        (id,) = await engine.deliveries()
        await by_hand.cancel(engine.by, id)


class TestAgain:
    async def test_a_replay_sends_the_same_id_and_says_what_it_repeats(
        self, engine: Engine
    ):
        await engine.webhook(schedule=())
        engine.receiver.script("/", 500)
        receipt = await engine.post()
        async with engine.working():
            await engine.settled()
            first = await only(engine)
            id = await by_hand.repeat(engine.by, first.id)
            await engine.settled()
        again = await reading.get(engine.account, id)
        assert (again.repeats, again.state) == (first.id, "delivered")
        assert again.attempts[0].trigger == "replay"
        assert [call.id for call in engine.receiver.calls] == [receipt.id] * 2
        assert engine.receiver.calls[0].body == engine.receiver.calls[1].body

    async def test_a_failing_replay_has_the_whole_plan(self, engine: Engine):
        await engine.webhook(schedule=(100,), deactivate_after=None)
        engine.receiver.usually["/"] = Answer(500)
        await engine.post()
        async with engine.working():
            await engine.receiver.got(1)
            engine.skip(100)
            await engine.settled()
            first = (await engine.deliveries())[0]
            await by_hand.repeat(engine.by, first)
            await engine.receiver.got(3)
            engine.skip(100)
            delivery = await tried(engine, 2)
        assert delivery.state == "failed"
        assert [a.trigger for a in delivery.attempts] == ["replay", "plan"]

    async def test_what_still_waits_is_not_repeated(self, engine: Engine):
        webhook = await engine.webhook()
        await engine.post()
        (id,) = await engine.deliveries()
        with pytest.raises(Conflict):
            await by_hand.repeat(engine.by, id)
        async with engine.working():
            await engine.settled()
            await engine.pause(webhook)
            with pytest.raises(Conflict):
                await by_hand.repeat(engine.by, id)

    async def test_an_event_goes_to_a_webhook_that_does_not_listen(
        self, engine: Engine
    ):
        webhook = await engine.webhook(events=("other.*",))
        receipt = await engine.post()
        async with engine.working():
            id = await by_hand.send_event(engine.by, receipt.id, webhook)
            await engine.settled()
        assert (await reading.get(engine.account, id)).state == "delivered"

    async def test_charlie_finds_nothing_to_repeat(self, engine: Engine, cast: Cast):
        webhook = await engine.webhook()
        receipt = await engine.post()
        (id,) = await engine.deliveries()
        charlie = cast.charlie.at(engine.runtime.clock())
        for act in (by_hand.repeat, by_hand.try_now, by_hand.cancel):
            with pytest.raises(NotFound):
                await act(charlie, id)
        with pytest.raises(NotFound):
            await by_hand.send_event(charlie, receipt.id, webhook)
        await engine.work()
