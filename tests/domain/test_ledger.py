"""The ledger under any order of events: hypothesis looks for one that breaks it."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from callboard.config import Settings
from callboard.database import opened_database, writing
from callboard.delivery.following import course, letting_go
from callboard.upkeep import check
from callboard.upkeep.check import Finding
from callboard.vault import Vault
from tests.domain.ledger_work import KINDS, RATE
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
MOVES: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "accept": (st.integers(1, 4), st.integers(0, 1)),
    "claim": (WORKER, st.integers(1, 6), st.booleans()),
    "board": (WORKER, ANY),
    "record": (WORKER, ANY, STATUS, st.booleans()),
    "give_back": (WORKER, ANY),
    "crash": (WORKER,),
    "late": (ANY, st.sampled_from([200, 500])),
    "sweep": (),
    "wait": (st.sampled_from([0.1, 1, 11, 400, 90_000, 500_000]),),
    "pause": (HOOK,),
    "deactivate": (HOOK,),
    "activate": (HOOK, AFTERWARDS),
    "fail": (HOOK,),
    "lose": (HOOK, st.booleans(), AFTERWARDS),
    "delete": (HOOK,),
    "change": (HOOK, st.booleans(), st.integers(1, 5)),
    "run_now": (HOOK,),
    "cancel": (ANY,),
    "try_now": (ANY,),
    "repeat": (ANY,),
    "replay": (
        HOOK,
        st.sampled_from([False, False, True]),
        st.sampled_from([None, RATE]),
    ),
    "advance": (),
    "steer": (ANY, st.sampled_from(["pause", "resume", "cancel"])),
}
OFTEN = {"claim": 4, "accept": 3, "record": 3, "sweep": 3, "fail": 3, "replay": 3}
OFTEN |= {"advance": 3, "wait": 2, "activate": 2, "come_back": 2, "steer": 3}
# Not as `one_of`, which takes what is named twice for one.
NAMES = st.sampled_from([name for name in MOVES for _ in range(OFTEN.get(name, 1))])
STEPS = NAMES.flatmap(lambda name: st.tuples(st.just(name), *MOVES[name]))


@pytest.mark.timeout(400)  # it takes 10 s, but seconds more for each step of shrinking
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
    migrated: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[Any, ...]],
):
    """What follows a change of state does so in many steps, with others between."""
    monkeypatch.setattr(course, "STEP", 2)
    monkeypatch.setattr(letting_go, "_AHEAD", 2)
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
