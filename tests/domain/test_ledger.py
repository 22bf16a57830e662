"""The ledger under any order of events: hypothesis looks for one that breaks it."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from callboard.config import Settings
from callboard.database import opened_database, writing
from callboard.upkeep import check
from callboard.upkeep.check import Finding
from callboard.vault import Vault
from tests.domain.ledger_work import KINDS
from tests.domain.ledger_world import World

TABLES = (
    *("event", "delivery", "attempt", "turn", "webhook", "worker", "tally"),
    *("schedule", "run", "health", "notice", "replay", "replay_delivery"),
)
HOOK = st.integers(0, len(KINDS) - 1)
WORKER = st.sampled_from(["wrk_a", "wrk_b"])
ANY = st.integers(0, 30)
AFTERWARDS = st.sampled_from([None, "deliver", "discard"])
STATUS = st.sampled_from([200, 500, 500, 410])
ACCEPT = st.tuples(st.just("accept"), st.integers(1, 4), st.integers(0, 1))
CLAIM = st.tuples(st.just("claim"), WORKER, st.integers(1, 6), st.booleans())
RECORD = st.tuples(st.just("record"), WORKER, ANY, STATUS, st.booleans())
SWEEP = st.tuples(st.just("sweep"))
WAIT = st.tuples(st.just("wait"), st.sampled_from([0.1, 1, 11, 400, 90_000, 500_000]))
STEPS = st.one_of(
    *(ACCEPT, ACCEPT, CLAIM, CLAIM, CLAIM, RECORD, RECORD, SWEEP, SWEEP, WAIT),
    st.tuples(st.just("give_back"), WORKER, ANY),
    st.tuples(st.just("board"), WORKER, ANY),
    st.tuples(st.just("crash"), WORKER),
    st.tuples(st.just("late"), ANY, st.sampled_from([200, 500])),
    st.tuples(st.just("pause"), HOOK),
    st.tuples(st.just("deactivate"), HOOK),
    st.tuples(st.just("activate"), HOOK, AFTERWARDS),
    st.tuples(st.just("lose"), HOOK, st.booleans(), AFTERWARDS),
    st.tuples(st.just("delete"), HOOK),
    st.tuples(st.just("run_now"), HOOK),
    st.tuples(st.just("cancel"), ANY),
    st.tuples(st.just("try_now"), ANY),
    st.tuples(st.just("repeat"), ANY),
    st.tuples(st.just("replay"), HOOK, st.booleans()),
    st.tuples(st.just("steer"), ANY, st.sampled_from(["pause", "resume", "cancel"])),
    st.tuples(st.just("change"), HOOK, st.booleans(), st.integers(1, 5)),
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(STEPS, min_size=10, max_size=40))
def test_no_order_of_things_breaks_the_ledger(
    migrated: None, settings: Settings, steps: list[tuple[Any, ...]]
):
    vault = Vault(list(settings.secret_keys))
    assert asyncio.run(play(vault, steps)) == []


async def play(vault: Vault, steps: list[tuple[Any, ...]]) -> list[Finding]:
    """What the ledger check finds in the end; each step has asserted its own."""
    async with opened_database():
        async with writing() as db:
            for table in TABLES:
                await db.fetch(f"DELETE FROM {table}")
        world = World(vault)
        await world.begin()
        for name, *arguments in steps:
            await getattr(world, name)(*arguments)
            await world.must_hold()
        await world.drain()
        return await check.ledger(world.now)
