"""When a failing webhook will be deactivated, as pages and mails tell it."""

from datetime import datetime, timedelta

from callboard.health import reading as health
from callboard.health.reading import Failing
from callboard.webhooks import webhooks
from tests.engine import Engine, eventually
from tests.receiver import Answer

GAPS = (60, 600, 3600)


async def failing(engine: Engine, webhook: str) -> Failing:
    found = await health.of_webhook(await webhooks.get(engine.account, webhook))
    assert found is not None
    return found


async def tried(engine: Engine, *tries: int) -> list[datetime]:
    """Waits until the deliveries were tried so often; when each is due again."""

    async def met() -> bool:
        rows = await engine.rows("SELECT tries FROM delivery ORDER BY seq")
        return tuple(row["tries"] for row in rows) == tries

    await eventually(met)
    rows = await engine.rows("SELECT due FROM delivery ORDER BY seq")
    return [row["due"] for row in rows]


async def test_at_the_last_try_of_the_delivery_that_was_tried_first(engine: Engine):
    webhook = await engine.webhook(schedule=GAPS)
    engine.receiver.usually["/"] = Answer(503)
    async with engine.working():
        await engine.post()
        (due,) = await tried(engine, 1)
        told = await failing(engine, webhook)
        assert told.ends_at == due + timedelta(seconds=600 + 3600)
        engine.skip(60)
        (due,) = await tried(engine, 2)
        await engine.post()
        await tried(engine, 2, 1)
        told = await failing(engine, webhook)
        assert told.ends_at == due + timedelta(seconds=3600)
        assert (told.tries, told.lost, told.left, told.last_status) == (3, 0, 1, 503)
        engine.skip(600)
        await tried(engine, 3, 2)
        assert await engine.state(webhook) == "active"
        engine.skip(3600)
        await engine.deactivated(webhook)


async def test_where_several_must_fail_it_is_the_end_of_the_last_of_them(
    engine: Engine,
):
    webhook = await engine.webhook(schedule=GAPS, deactivate_after=2)
    engine.receiver.usually["/"] = Answer(503)
    async with engine.working():
        await engine.post()
        await tried(engine, 1)
        assert (await failing(engine, webhook)).ends_at is None
        engine.skip(60)
        await tried(engine, 2)
        await engine.post()
        _, due = await tried(engine, 2, 1)
    told = await failing(engine, webhook)
    assert told.left == 2
    assert told.ends_at == due + timedelta(seconds=600 + 3600)
    await engine.delete(webhook)
    await engine.work()


async def test_what_was_tried_before_the_latest_success_is_the_end_of_nothing(
    engine: Engine,
):
    webhook = await engine.webhook(schedule=GAPS)
    engine.receiver.script("/", 503, 200, 503)
    async with engine.working():
        await engine.post()
        await tried(engine, 1)
        await engine.post()
        await tried(engine, 1, 1)
        engine.skip(60)
        await tried(engine, 2, 1)
    told = await failing(engine, webhook)
    assert (told.tries, told.left, told.ends_at) == (1, 1, None)
    await engine.delete(webhook)
    await engine.work()


async def test_what_never_is_deactivated_has_no_such_time(engine: Engine):
    webhook = await engine.webhook(schedule=GAPS, deactivate_after=None)
    engine.receiver.usually["/"] = Answer(503)
    async with engine.working():
        await engine.post()
        await tried(engine, 1)
    told = await failing(engine, webhook)
    assert (told.left, told.ends_at) == (None, None)
    await engine.delete(webhook)
    await engine.work()
