"""How many deliveries a replay may have waiting: pure rules.

Few at a time, so that live events of the same webhook are never far behind, and more
only while the receiver takes them at once.
"""

from dataclasses import dataclass

LOOKS_EVERY = 0.1
# Of a receiver that fails: so many are tried before all others wait for a success.
_PROBES = 20
_AT_ONCE, _LATE = 0.2, 1.0  # seconds


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What a replay has made and has not ended. `waiting`: to be called now; those
    `called` are with a worker, the rest is tried again later: both are in nobody's way.
    `longest`: seconds that one has waited for its call. `failing`: none has succeeded
    since."""

    all: int = 0
    waiting: int = 0
    called: int = 0
    longest: float = 0.0
    failing: bool = False


def share(room: int, replays: int) -> int:
    """How many each of them may have waiting: together as many as a worker takes on."""
    return max(room // max(replays, 1), 1)


def next_size(size: int, under_way: UnderWay, at_most: int) -> int:
    """Doubles while calls begin at once; halves when they are late, and with them any
    live event of the webhook. What was too much must go out before it shrinks again."""
    if under_way.longest <= _AT_ONCE:
        size *= 2
    elif under_way.longest > _LATE and under_way.waiting <= size:
        size = under_way.waiting // 2
    return max(min(size, at_most), 1)


def tokens(had: float, seconds: float, rate: float) -> float:
    """Deliveries that the rate allows now: one second's worth, at least one."""
    return min(had + max(seconds, 0.0) * rate, max(rate, 1.0))


def room(size: int, under_way: UnderWay, allowed: float | None) -> int:
    """How many more may be made now; `allowed`: tokens, None without a rate."""
    free = size - under_way.waiting
    if under_way.failing:
        free = min(free, _PROBES - under_way.all)
    if allowed is not None:
        free = min(free, int(allowed))
    return max(free, 0)
