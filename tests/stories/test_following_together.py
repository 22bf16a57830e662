"""Very many deliveries follow their webhook, and nothing else waits for that."""

from callboard.ingest import NewEvent
from tests import make
from tests.engine import TYPE, Engine

MANY, AT_ONCE = 16_000, 1000


async def test_one_that_has_much_to_put_on_hold_keeps_nobody_waiting(engine: Engine):
    await make.event_type(engine.account, "contact.deleted")
    large = await engine.webhook("/large", events=(TYPE,))
    small = await engine.webhook("/small", events=("contact.deleted",))
    for _ in range(MANY // AT_ONCE):
        await engine.post_all([NewEvent(TYPE, b"{}")] * AT_ONCE)
    await engine.pause(small)
    await engine.post_all([NewEvent("contact.deleted", b"{}")])
    await engine.pause(large)
    async with engine.working():
        before = await _beat(engine)
        await engine.activate(small, "deliver")
        await engine.receiver.got(1, "/small")
        assert await _is_following(engine, large)
        while await _is_following(engine, large):
            during = await _beat(engine)
        assert during > before
    await engine.delete(large)
    await engine.work()


async def _is_following(engine: Engine, webhook: str) -> bool:
    rows = await engine.rows(
        "SELECT 1 FROM turn WHERE webhook = :webhook AND follow IS NOT NULL",
        webhook=webhook,
    )
    return bool(rows)


async def _beat(engine: Engine) -> int:
    (row,) = await engine.rows("SELECT beat FROM worker")
    return int(row["beat"])
