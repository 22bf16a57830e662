"""Scheduled runs as JSON."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal, Self

import msgspec

from callboard.delivery.runs import Report, Timetable
from callboard.schedule import Schedule


class ScheduleIn(msgspec.Struct, forbid_unknown_fields=True):
    """`mode` immediate delivers at once. `mode` schedule delivers in runs: every
    `every_minutes` up to `batch_size` deliveries, `bucket_size` of them in one call as
    a JSON array; with `latest_only` just the latest event of each record since the
    last run. The other fields count with `mode` schedule only."""

    mode: Literal["immediate", "schedule"] = "immediate"
    every_minutes: int = 15
    batch_size: int = 60
    bucket_size: int = 1
    latest_only: bool = False

    def schedule(self) -> Schedule | None:
        if self.mode == "immediate":
            return None
        return Schedule(
            self.every_minutes, self.batch_size, self.bucket_size, self.latest_only
        )


class ScheduleOut(msgspec.Struct, omit_defaults=True):
    """The other fields are there with `mode` schedule only."""

    mode: str
    every_minutes: int | msgspec.UnsetType = msgspec.UNSET
    batch_size: int | msgspec.UnsetType = msgspec.UNSET
    bucket_size: int | msgspec.UnsetType = msgspec.UNSET
    latest_only: bool | msgspec.UnsetType = msgspec.UNSET


def delivery_of(schedule: Schedule | None) -> dict[str, Any]:
    if schedule is None:
        return {"mode": "immediate"}
    return {"mode": "schedule"} | asdict(schedule)


class RunOut(msgspec.Struct):
    """`calls`: it took so many deliveries in so many calls; `waiting` were left for
    the next run. The rest is known once it has ended: `again` are tried later."""

    by_hand: bool
    started_at: datetime
    ended_at: datetime | None
    taken: int
    calls: int
    waiting: int
    superseded: int
    delivered: int
    again: int
    failed: int

    @classmethod
    def of(cls, report: Report) -> Self:
        shown = asdict(report)
        return cls(by_hand=shown.pop("hand"), **shown)


class RunsOut(msgspec.Struct):
    """`waiting` deliveries go with the next run or a later one. `looked_at`: when a
    run last looked; `last`: the latest that found something to send."""

    next_run_at: datetime
    waiting: int
    looked_at: datetime | None
    last: RunOut | None

    @classmethod
    def of(cls, timetable: Timetable) -> Self:
        return cls(
            timetable.next_run,
            timetable.waiting,
            timetable.looked_at,
            RunOut.of(timetable.last) if timetable.last else None,
        )


class RanOut(msgspec.Struct):
    """`taken`: how many deliveries the run sends now."""

    taken: int
