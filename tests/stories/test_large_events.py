"""Large events, whose data is read as their calls begin."""

from random import Random

from callboard.database import writing
from callboard.delivery import freeing, ledger, runs
from callboard.delivery.calling import make_call, prepare
from callboard.delivery.calls.caller import Caller
from callboard.delivery.calls.targets import Targets
from callboard.delivery.flights import Flight
from callboard.delivery.ledger import Claimed
from callboard.delivery.states import Lane
from callboard.schedule import Schedule
from tests.engine import Engine

SIZE = 20_000  # characters, of which each takes two bytes
LARGE = ('{"a":"%s"}' % ("é" * (SIZE - 8))).encode()


async def test_one_arrives_as_it_was_sent(engine: Engine):
    await engine.webhook()
    await engine.post(LARGE)
    await engine.work()
    (call,) = engine.receiver.calls
    assert LARGE in call.body


async def test_none_lies_in_memory_before_its_call_begins(engine: Engine):
    await engine.webhook()
    await engine.post(LARGE)
    await engine.post(b"{}")
    large, small = await claim(engine)
    assert (large.facts.data, large.unread) == ("", SIZE)
    assert (small.facts.data, small.unread) == ("{}", 0)
    async with writing() as db:
        whole = await ledger.read(db, large)
    assert whole
    assert (whole.facts.data.encode(), whole.unread) == (LARGE, 0)
    await free(engine)


async def test_one_whose_lease_was_taken_away_is_not_called(engine: Engine):
    await engine.webhook()
    await engine.post(LARGE)
    (large,) = await claim(engine)
    await free(engine)
    assert await fly(engine, await lift(engine, large)) == []
    assert engine.receiver.calls == []
    await engine.work()


async def test_no_body_outlives_its_call(engine: Engine):
    await engine.webhook()
    await engine.post(b"{}")
    (small,) = await claim(engine)
    flight = await lift(engine, small)
    prepare(flight, engine.runtime.clock())
    assert is_prepared(flight)
    assert len(await fly(engine, flight)) == 1
    assert not is_prepared(flight)
    await free(engine)


async def test_a_call_counts_with_all_that_goes_in_it_and_keeps_only_its_body(
    engine: Engine,
):
    webhook = await engine.webhook(delivery=Schedule(bucket_size=4))
    for data in (LARGE, LARGE, b"{}"):
        await engine.post(data)
    await runs.run_now(engine.by, webhook)
    (lead,) = await claim(engine)
    assert SIZE * 2 < lead.unread < SIZE * 5
    results = await fly(engine, await lift(engine, lead))
    (call,) = engine.receiver.calls
    assert call.body.count(LARGE) == 2
    assert results[0].sent.body == call.body
    assert [each.claimed.facts.data for each in results] == ["", "", ""]
    await free(engine)


async def test_one_with_small_events_counts_as_small(engine: Engine):
    webhook = await engine.webhook(delivery=Schedule(bucket_size=2))
    for _ in range(2):
        await engine.post(b"{}")
    await runs.run_now(engine.by, webhook)
    (lead,) = await claim(engine)
    assert lead.unread == 0
    await free(engine)


async def claim(engine: Engine) -> list[Claimed]:
    now = engine.runtime.clock()
    async with writing() as db:
        await db.fetch("UPDATE turn SET lane = 'express', slots = cap")
        return await ledger.claim(db, Lane.EXPRESS, 100, "wrk_a/1", now)


async def free(engine: Engine) -> None:
    async with writing() as db:
        assert await freeing.free(db, "wrk_a", engine.runtime.clock())


async def lift(engine: Engine, claimed: Claimed) -> Flight:
    targets = Targets(engine.runtime.vault)
    await targets.load([(claimed.webhook, claimed.version)])
    return Flight(claimed, targets[claimed.webhook], Lane.EXPRESS)


def is_prepared(flight: Flight) -> bool:
    return flight.prepared is not None


async def fly(engine: Engine, flight: Flight) -> list[ledger.Result]:
    runtime, rng = engine.runtime, Random(1)  # noqa: S311  nothing is secret here
    return await make_call(flight, Caller(runtime.sender), runtime.clock, rng, 60.0)
