"""A plan has its tries, whatever people do in between."""

from callboard.delivery import by_hand
from tests.engine import Engine, eventually
from tests.receiver import Answer

GAP = 60
PLAN = (GAP, GAP)


async def attempted(engine: Engine, attempts: int) -> None:
    async def met() -> bool:
        (row,) = await engine.rows("SELECT attempts FROM delivery")
        return bool(row["attempts"] == attempts)

    await eventually(met)


async def dying(engine: Engine) -> str:
    engine.receiver.usually["/"] = Answer(500)
    webhook = await engine.webhook(schedule=PLAN, deactivate_after=None)
    await engine.post()
    return webhook


async def test_a_try_by_hand_takes_none_of_them(engine: Engine):
    await dying(engine)
    async with engine.working():
        await attempted(engine, 1)
        (id,) = await engine.deliveries()
        await by_hand.try_now(engine.by, id)
        engine.ring()
        for attempts in (2, 3):
            await attempted(engine, attempts)
            assert await engine.states() == ["pending"]
            engine.skip(GAP)
        await engine.settled()
    assert await engine.states() == ["failed"]
    assert len(engine.receiver.calls) == 1 + 3


async def test_what_was_held_between_two_of_them_gets_all_of_them_again(
    engine: Engine,
):
    webhook = await dying(engine)
    async with engine.working():
        await attempted(engine, 1)
        await engine.pause(webhook)
        await engine.followed()
        await engine.activate(webhook, "deliver")
        for attempts in (2, 3):
            await attempted(engine, attempts)
            assert await engine.states() == ["pending"]
            engine.skip(GAP)
        await engine.settled()
    assert await engine.states() == ["failed"]
    assert len(engine.receiver.calls) == 1 + 3
