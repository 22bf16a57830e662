"""The ledger under any order of events: hypothesis looks for one that breaks it."""

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from callboard.config import Settings
from callboard.database import opened_database, writing
from callboard.delivery.following import course, letting_go
from callboard.upkeep import check
from callboard.upkeep.check import Finding
from callboard.vault import Vault
from tests.domain.ledger_moves import choose, look
from tests.domain.ledger_work import KINDS
from tests.domain.ledger_world import World

TABLES = (
    *("event", "delivery", "attempt", "turn", "webhook", "worker", "tally"),
    *("schedule", "run", "health", "notice", "replay", "replay_delivery"),
)

SOME_KINDS = st.lists(st.sampled_from(KINDS), min_size=1, max_size=3)
# Each is the seed of one move; at 0, to which hypothesis shrinks, nothing happens.
SEEDS = st.lists(st.integers(0, 2**32), min_size=40, max_size=80)


@pytest.mark.timeout(400)  # it takes 15 s, but seconds more for each step of shrinking
@settings(
    max_examples=25,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(SOME_KINDS, SEEDS)
def test_no_order_of_things_breaks_the_ledger(
    migrated: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    kinds: list[dict[str, Any]],
    seeds: list[int],
):
    """What follows a change of state does so in many steps, with others between."""
    monkeypatch.setattr(course, "STEP", 2)
    monkeypatch.setattr(letting_go, "_AHEAD", 2)
    world = World(vault=Vault(list(settings.secret_keys)))
    assert asyncio.run(play(world, kinds, seeds)) == []


async def play(
    world: World, kinds: list[dict[str, Any]], seeds: list[int]
) -> list[Finding]:
    """What the ledger check finds in the end; each move has asserted its own."""
    async with opened_database():
        async with writing() as db:
            for table in TABLES:
                await db.fetch(f"DELETE FROM {table}")
        await world.begin(kinds)
        for seed in filter(None, seeds):
            name, arguments = choose(await look(world), Random(seed))  # noqa: S311
            note(f"{name} {arguments}")
            await getattr(world, name)(*arguments)
            await world.must_hold()
        await world.drain()
        return await check.ledger(world.now)
