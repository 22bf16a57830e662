"""Scheduled runs, as pure rules: when the next one is, and what goes out in one call.

A plan keeps to its grid: a late run moves no later one, and whatever time was missed
is made up for by one run.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from callboard.errors import Problem

TRIES = 12
# Clocks of two workers may differ by less; a plan made later than this from now was
# made by a clock that has been set back since.
SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A run takes up to `batch_size` deliveries, `bucket_size` of them in one call.

    `latest_only`: of several events of one record only the last is sent.
    """

    every_minutes: int = 15
    batch_size: int = 60
    bucket_size: int = 1
    latest_only: bool = False

    @property
    def gap(self) -> timedelta:
        return timedelta(minutes=self.every_minutes)

    @property
    def sends_arrays(self) -> bool:
        return self.bucket_size > 1


_BOUNDS = {
    "every_minutes": (1440, "Give 1 to 1440 whole minutes; 1440 is once a day."),
    "batch_size": (10_000, "Give 1 to 10000 deliveries."),
    "bucket_size": (100, "Give 1 to 100 events."),
}


def check(schedule: Schedule) -> list[Problem]:
    problems = [
        Problem(f"delivery.{name}", "out_of_range", message)
        for name, (most, message) in _BOUNDS.items()
        if type(value := getattr(schedule, name)) is not int or not 1 <= value <= most
    ]
    if not problems and schedule.bucket_size > schedule.batch_size:
        text = "A call cannot carry more events than a run takes."
        problems.append(Problem("delivery.bucket_size", "out_of_range", text))
    return problems


def run_after(next_run: datetime, gap: timedelta, now: datetime) -> datetime:
    """The first moment of the grid that is still to come once `next_run` is done."""
    if next_run > now:
        return now + gap
    missed = (now - next_run) // gap
    return next_run + (missed + 1) * gap


@dataclass(frozen=True, slots=True)
class Waiting:
    """`bucket`: the call that it was part of before."""

    seq: int
    bucket: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Deliveries that go out together, in order. `bucket`: the id of a call that is
    made again; None for a new one."""

    seqs: tuple[int, ...]
    bucket: str | None = None


def calls(
    waiting: Sequence[Waiting], members: Mapping[str, int], size: int
) -> list[Call]:
    """What a run sends, the oldest first.

    A call that failed is made again with the members it had (`members` counts them);
    one that has lost a member ends, and the others go into new ones. None of these
    reaches from before one that is kept to behind it: it would pass that.
    """
    here = Counter(each.bucket for each in waiting if each.bucket)
    whole = {id for id, count in here.items() if size > 1 and count == members[id]}
    made = [
        Call(tuple(each.seq for each in waiting if each.bucket == id), id)
        for id in whole
    ]
    for is_kept, some in groupby(waiting, lambda each: each.bucket in whole):
        if not is_kept:
            made += [Call(part) for part in _parts([each.seq for each in some], size)]
    return sorted(made, key=lambda call: call.seqs)


def _parts(seqs: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(seqs), size):
        yield tuple(seqs[start : start + size])


def describe(schedule: Schedule) -> str:
    each = "each in a call of its own"
    if schedule.sends_arrays:
        each = f"up to {schedule.bucket_size} in one call"
    latest = ", of each record only the latest event" if schedule.latest_only else ""
    return (
        f"{_every(schedule.every_minutes)}, at most {schedule.batch_size} deliveries"
        f" a run, {each}{latest}"
    )


def _every(minutes: int) -> str:
    if minutes == 1440:
        return "Once a day"
    for size, unit in ((60, "hour"), (1, "minute")):
        count, rest = divmod(minutes, size)
        if not rest:
            return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"
    raise AssertionError(minutes)
