"""Whatever happens between scheduled runs: nothing is lost, the order is kept, and no
call goes out but in a run or by hand."""

from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from callboard.delivery import by_hand
from callboard.errors import CallboardError
from callboard.schedule import Schedule
from tests.days import Days
from tests.engine import Engine
from tests.receiver import Answer, Received

KINDS = (
    Schedule(5, batch_size=4),
    Schedule(5, batch_size=7, bucket_size=3),
    Schedule(5, batch_size=6, bucket_size=2, latest_only=True),
)


def ids_in(call: Received) -> list[int]:
    found = msgspec.json.decode(call.body)
    events = found if isinstance(found, list) else [found]
    return [each["data"]["id"] for each in events]


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_is_lost_or_out_of_turn(engine: Engine, seed: int):
    days, rng = Days(engine, engine.runtime.clock()), Random(seed)  # noqa: S311
    webhook = await days.webhook(KINDS[seed % 3], ordered=seed >= 3)
    posted, seen, bodies = 0, [], dict[Any, Any]()
    for _ in range(40):
        tried = False
        match rng.choice(("post", "post", "wait", "wait", "fail", "hand", "pause")):
            case "post":
                more = range(posted, posted + rng.randint(1, 6))
                await days.post(*(b'{"id": %d}' % each for each in more))
                posted += len(more)
            case "fail":
                engine.receiver.script("/", *[500] * rng.randint(1, 3))
            case "hand":
                all_of_them = await engine.deliveries()
                if all_of_them:
                    with suppress(CallboardError):
                        one = rng.choice(all_of_them)
                        await by_hand.try_now(days.by, one)
                        tried = True
            case "pause":
                await engine.pause(webhook)
                assert await days.after(rng.randint(1, 9)) == []
                await engine.activate(webhook, "deliver")
        runs = len(await days.runs())
        calls = await days.after(rng.choice((0.3, 1, 2, 6)))
        assert not calls or tried or len(await days.runs()) > runs
        for call in calls:
            assert bodies.setdefault(call.id, call.body) == call.body
            seen.append(ids_in(call))
    for _ in range(60):
        seen += map(ids_in, await days.after(5))
    states = await engine.states()
    assert len(states) == posted
    assert set(states) <= {"delivered"}
    if seed >= 3:
        firsts = list(dict.fromkeys(id for call in seen for id in call))
        assert firsts == list(range(posted))


async def test_a_dead_receiver_costs_each_delivery_12_tries_and_no_more(
    engine: Engine,
):
    days = Days(engine, engine.runtime.clock())
    await days.webhook(Schedule(1, batch_size=3, bucket_size=2))
    engine.receiver.usually["/"] = Answer(500)
    await days.post(*(b'{"id": %d}' % each for each in range(7)))
    calls = await days.after(90, looks=90)
    for each in range(7):
        assert sum(ids_in(call).count(each) for call in calls) == 12
    assert await engine.states() == ["failed"] * 7
    days.now += timedelta(hours=1)
    assert await days.after(5) == []
