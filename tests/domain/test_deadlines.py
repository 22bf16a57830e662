"""One timer for the limits of many calls."""

import asyncio
from time import monotonic

import pytest

from callboard.delivery.calls.deadlines import STEP, Deadlines

SOON, FAR = 0.02, 30.0


@pytest.fixture
async def deadlines() -> Deadlines:
    return Deadlines()


async def test_what_takes_too_long_is_cut(deadlines: Deadlines):
    begun = monotonic()
    with pytest.raises(TimeoutError), deadlines.within(SOON):
        await asyncio.sleep(FAR)
    assert SOON <= monotonic() - begun < SOON + STEP + 1


async def test_what_ends_in_time_goes_on_undisturbed(deadlines: Deadlines):
    for _ in range(3):
        with deadlines.within(STEP):
            await asyncio.sleep(0)
    await asyncio.sleep(3 * STEP)
    task = asyncio.current_task()
    assert task
    assert not task.cancelling()


async def test_each_limit_cuts_only_its_own_call(deadlines: Deadlines):
    async def call(limit: float, seconds: float) -> bool:
        try:
            with deadlines.within(limit):
                await asyncio.sleep(seconds)
        except TimeoutError:
            return False
        return True

    calls = [call(SOON, FAR), call(FAR, 2 * STEP), call(SOON, FAR), call(FAR, 0)]
    assert await asyncio.gather(*calls) == [False, True, False, True]


async def test_who_cancels_a_call_sees_it_cancelled(deadlines: Deadlines):
    async def call() -> None:
        with deadlines.within(FAR):
            await asyncio.sleep(FAR)

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_may_go_on_after_its_limit(deadlines: Deadlines):
    for _ in range(2):
        with pytest.raises(TimeoutError), deadlines.within(SOON):
            await asyncio.sleep(FAR)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
