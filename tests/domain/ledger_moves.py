"""What may come next: only what has something to do, and oftener what leads further
into what is rare, so that few moves lead far."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from tests.domain.ledger_truths import RATE
from tests.domain.ledger_world import World

# How often it comes, its name, and the choices for each argument: none where one has
# none.
_Kind: TypeAlias = tuple[int, str, *tuple[Sequence[Any], ...]]
WORKERS = ("wrk_a", "wrk_b")
ANY = range(31)
MANY = 6
FREE = (1, 2, 4, 20)
STEPS = (1, 1, 2, 9)
YES_OR_NO = (False, True)
SELDOM = (False, False, False, True)
AFTERWARDS = (None, "deliver", "discard")
STATUS = (200, 500, 500, 410)
SECONDS = (0.1, 1, 1, 11, 11, 101, 400, 90_000, 500_000)


@dataclass(frozen=True)
class Sight:
    """What there is: webhooks by their place, deliveries by `seq`, replays by id."""

    active: list[int]
    stopped: list[int]
    following: list[int]
    scheduled: list[int]
    waiting: list[int]
    ended: list[int]
    replays: list[str]
    busy: list[str]
    late: list[int]


async def look(world: World) -> Sight:
    hooks = await world.rows(
        "SELECT w.id, w.state, t.follow, s.next_run FROM webhook w"
        " JOIN turn t ON t.webhook = w.id LEFT JOIN schedule s ON s.webhook = w.id"
        " WHERE w.state != 'deleted'"
    )
    deliveries = await world.rows("SELECT seq, state FROM delivery ORDER BY seq")
    waits = {row["seq"]: row["state"] in ("pending", "held") for row in deliveries}
    replays = await world.rows(
        "SELECT id FROM replay WHERE state IN ('running', 'paused') ORDER BY id"
    )
    place = world.hooks.index
    active = {place(row["id"]): row["state"] == "active" for row in hooks}
    return Sight(
        active=[hook for hook, is_active in active.items() if is_active],
        stopped=[hook for hook, is_active in active.items() if not is_active],
        following=[place(row["id"]) for row in hooks if row["follow"]],
        scheduled=[place(row["id"]) for row in hooks if row["next_run"]],
        waiting=[seq for seq, waits in waits.items() if waits],
        ended=[seq for seq, waits in waits.items() if not waits],
        replays=[row["id"] for row in replays],
        busy=[worker for worker, flights in world.flights.items() if flights],
        late=[*range(len(world.late_ones))],
    )


def choose(sight: Sight, chance: Random) -> tuple[str, list[Any]]:
    """A move and its arguments."""
    kinds = [kind for kind in (*_of_workers(sight), *_of_people(sight)) if all(kind)]
    ((_, name, *choices),) = chance.choices(kinds, [often for often, *_ in kinds])
    return name, [chance.choice(each) for each in choices]


def _of_workers(sight: Sight) -> list[_Kind]:
    return [
        (6 if len(sight.waiting) < MANY else 2, "accept", range(1, 5), range(2)),
        (9, "claim", WORKERS, FREE, YES_OR_NO),
        (2, "board", sight.busy, ANY),
        (6, "record", sight.busy, ANY, STATUS, SELDOM),
        (3, "record_all", sight.busy, STATUS),
        (4, "work", WORKERS, STATUS),
        (4, "give_back", sight.busy, ANY),
        (3, "stop", WORKERS),
        (4, "crash", sight.busy, YES_OR_NO),
        (2, "late", sight.late, (200, 500)),
        (3, "sweep"),
        (9, "follow", sight.following, STEPS),
        (6 * len(sight.replays), "advance"),
        (3, "wait", SECONDS),
    ]


def _of_people(sight: Sight) -> list[_Kind]:
    more = len(sight.active + sight.stopped) > 1
    return [
        (2, "pause", sight.active),
        (1, "deactivate", sight.active),
        (8, "activate", sight.stopped, AFTERWARDS),
        (3, "fail", sight.active),
        (2, "lose", sight.active, YES_OR_NO, AFTERWARDS),
        (2, "come_back", sight.active, AFTERWARDS),
        (1, "delete", sight.following if more else ()),
        (1, "change", sight.active, YES_OR_NO, range(1, 6)),
        (4, "run_now", sight.scheduled),
        (1, "cancel", sight.waiting),
        (1, "try_now", sight.waiting),
        (1, "repeat", sight.ended),
        (4, "replay", sight.active, YES_OR_NO, (None, RATE)),
        (5, "steer", sight.replays, ("cancel", "cancel", "pause", "resume")),
    ]
