"""Fairness and caps as pure rules: how many calls a webhook may have now.

A webhook's row in `turn` is what workers lock, so two of them never exceed a cap
together, and an ordered webhook never has two calls in flight.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from callboard.delivery.states import Lane

# A call that lasts longer makes its webhook patient.
SLOW_SECONDS = 1.0

# A delivery is late when it is called so long after it could have been. That may be a
# moment's delay of our own; it is a queue where so many can be claimed at once.
LATE = timedelta(seconds=1)
_QUEUE = 10

# A worker that alone calls a webhook may lease so many times its slots beyond them:
# enough to go on sending while it looks again, few enough to start within a second.
AHEAD = 4

# PostgreSQL: an accept that began before a claim may commit after it, unseen by it and
# without a reason to wake the webhook. So an empty one is looked at again before it
# sleeps.
LOOK_AGAIN = (0.05, 0.25, 1.0)


@dataclass(frozen=True, slots=True)
class Turn:
    """What the claim and the record need of the row in `turn`; see the table."""

    webhook: str
    version: int
    ordered: bool
    lane: Lane
    cap: int
    slots: int
    leased: int
    empty_looks: int
    rate: float | None
    tokens: float
    tokens_at: datetime
    failing: bool = False
    bulk: bool = False
    discards_to: int | None = None
    gap_from: int = 0
    gap_to: int = 0


def allowance(turn: Turn, now: datetime, held: int | None = None) -> int:
    """How many more deliveries may be leased.

    `held`: how many a worker has that may lease ahead of the slots, if nobody else has
    any; None for one that may not.
    """
    if turn.ordered or turn.lane == Lane.PATIENT:
        free = 1 - turn.leased
    elif held == turn.leased and turn.rate is None:
        free = (1 + AHEAD) * turn.slots - turn.leased
    else:
        free = turn.slots - turn.leased
    if turn.rate is not None:
        free = min(free, int(tokens(turn, now)))
    return max(free, 0)


def tokens(turn: Turn, now: datetime) -> float:
    """Calls that the rate allows now: one second's worth, at least one, may gather."""
    if turn.rate is None:
        return 0.0
    seconds = max((now - turn.tokens_at).total_seconds(), 0.0)
    return min(turn.tokens + seconds * turn.rate, max(turn.rate, 1.0))


def next_token(turn: Turn, left: float, now: datetime) -> datetime | None:
    """When the rate allows the next call; None when it does already."""
    if turn.rate is None or left >= 1:
        return None
    return now + timedelta(seconds=(1 - left) / turn.rate)


def look_again(empty_looks: int, now: datetime) -> datetime | None:
    if empty_looks >= len(LOOK_AGAIN):
        return None
    return now + timedelta(seconds=LOOK_AGAIN[empty_looks])


def may_leave_more(take: int, taken: int) -> bool:
    """Whether to look again at once, without asking what is left: with so much traffic
    there will be something, and to ask is to walk past all that is leased."""
    return 0 < take == taken or taken >= _QUEUE


def leaves_more(turn: Turn, take: int, taken: int) -> bool:
    """Whether a real queue seems to wait behind the `taken`, of up to `take`. Once one
    was found, it counts as there until a claim gets less than it asked for."""
    return taken == take and (turn.bulk or take >= _QUEUE)


def share(free: int, wants: Sequence[int]) -> list[int]:
    """`free` places in equal parts, none more than it wants."""
    takes = [0] * len(wants)
    hungry = [place for place, want in enumerate(wants) if want]
    while free > 0 and hungry:
        part = max(free // len(hungry), 1)
        for place in hungry[:free]:
            take = min(part, wants[place] - takes[place])
            takes[place] += take
            free -= take
        hungry = [place for place in hungry if takes[place] < wants[place]]
    return takes


def bound(waiting: Sequence[Turn], wants: Sequence[int], bulk: int) -> list[int]:
    """What each wants; of those with bulk no more than `bulk` together."""
    wanted = [want for turn, want in zip(waiting, wants, strict=True) if turn.bulk]
    parts = iter(share(bulk, wanted))
    pairs = zip(waiting, wants, strict=True)
    return [next(parts) if turn.bulk else want for turn, want in pairs]


def after_calls(turn: Turn, seconds: Sequence[float], still_slow: bool) -> Turn:
    """Its lane and slots after these calls ended, in the order they ended.

    Slots double with each quick answer up to the cap and start again at 1 after a
    slow one. `still_slow`: another of its calls is under way for too long.
    """
    slots = turn.slots
    for took in seconds:
        slots = min(slots * 2, turn.cap) if took <= SLOW_SECONDS else 1
    slow = still_slow or seconds[-1] > SLOW_SECONDS
    return replace(
        turn,
        lane=Lane.PATIENT if slow else Lane.EXPRESS,
        slots=1 if slow else slots,
        leased=turn.leased - len(seconds),
    )
