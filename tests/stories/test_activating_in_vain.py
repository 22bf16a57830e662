"""Somebody activates a webhook whose receiver is still away: who is told of what."""

from callboard.notices.tables import Notice
from tests.engine import Engine, eventually
from tests.receiver import Answer

AN_HOUR = 3600
GAP = 60


async def stopped(engine: Engine) -> str:
    """By the rule, after the three tries of one delivery, which is held."""
    webhook = await engine.webhook(schedule=(GAP, GAP), recipients=("a@example.org",))
    engine.receiver.usually["/"] = Answer(503)
    await engine.post()
    await fails_until_the_end(engine, webhook, 0)
    return webhook


async def fails_until_the_end(engine: Engine, webhook: str, before: int) -> None:
    async with engine.working():
        for tries in (1, 2):
            await tried(engine, tries)
            engine.skip(GAP)
        await engine.deactivated(webhook)
    assert len(engine.receiver.calls) == before + 3


async def tried(engine: Engine, tries: int) -> None:
    async def met() -> bool:
        (row,) = await engine.rows("SELECT tries FROM delivery")
        return bool(row["tries"] == tries)

    await eventually(met)


async def kinds() -> list[str]:
    return [row.kind for row in await Notice.objects().order_by(Notice.id)]


async def test_soon_after_they_hear_only_that_it_was_deactivated_again(engine: Engine):
    webhook = await stopped(engine)
    assert await kinds() == ["failing", "deactivated"]
    await engine.activate(webhook, "deliver")
    await fails_until_the_end(engine, webhook, 3)
    assert await kinds() == ["failing", "deactivated", "deactivated"]
    assert await engine.states() == ["held"]


async def test_later_the_second_failed_try_since_is_told_and_not_the_first(
    engine: Engine,
):
    webhook = await stopped(engine)
    engine.skip(AN_HOUR)
    await engine.activate(webhook, "deliver")
    async with engine.working():
        await tried(engine, 1)
        assert await kinds() == ["failing", "deactivated"]
        engine.skip(GAP)
        await tried(engine, 2)
        assert await kinds() == ["failing", "deactivated", "failing"]
    await engine.delete(webhook)
    await engine.work()
