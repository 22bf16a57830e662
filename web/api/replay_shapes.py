"""Replays as JSON."""

from datetime import datetime
from typing import Self

import msgspec

from callboard import ids
from callboard.delivery.states import DeliveryState
from callboard.replays.progress import ReplayView
from callboard.replays.replays import Preview
from callboard.replays.selection import Selection
from callboard.replays.sources import Picked
from callboard.replays.states import ReplayState
from callboard.times import utc
from web.api.queries import Asked
from web.api.shapes import AwareTime


class ReplayIn(msgspec.Struct, forbid_unknown_fields=True):
    """Which deliveries of one webhook; of each event the latest one counts.

    `states`: of delivered, failed, expired and cancelled; none for all four. `types`:
    names and patterns, none for any. `since` and `until`: when the event was accepted.
    `missing`: instead, the events that it wants and that were never sent to it.
    `rate_per_second`: no more than so many. `dry_run`: only count them.
    """

    webhook: str
    states: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    since: AwareTime | None = None
    until: AwareTime | None = None
    missing: bool = False
    rate_per_second: float | None = None
    dry_run: bool = False

    def to_command(self) -> Selection:
        return Selection(
            webhook=self.webhook,
            states=self.states or (),
            types=self.types or (),
            since=utc(self.since),
            until=utc(self.until),
            missing=self.missing,
            rate_per_second=self.rate_per_second,
        )


class ReplaysAsked(Asked, kw_only=True):
    webhook: str | None = None


class SampleOut(msgspec.Struct):
    """`delivery`: the one that would be repeated; null for an event that had none."""

    event: str
    type: str
    accepted_at: datetime
    delivery: str | None
    state: str | None

    @classmethod
    def of(cls, picked: Picked) -> Self:
        seq = picked.repeats
        return cls(
            event=picked.event,
            type=picked.type,
            accepted_at=picked.accepted_at,
            delivery=None if seq is None else ids.from_sequence("dlv", seq),
            state=picked.state,
        )


class PreviewOut(msgspec.Struct):
    """What a replay would send now; `samples` are the first of it."""

    count: int
    samples: list[SampleOut]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        return cls(preview.count, [SampleOut.of(each) for each in preview.samples])


class SelectionOut(msgspec.Struct):
    """`states` spelled out: null for missing events, which have none."""

    states: tuple[DeliveryState, ...] | None
    types: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    missing: bool


class ReplayOut(msgspec.Struct):
    """`total` were selected, so many deliveries are `made`, and `done` of these ended:
    as `delivered`, `failed`, `expired` or `cancelled`. `skipped` could not be made any
    more when their turn came. `waits_for`: why it makes no more just now."""

    id: str
    webhook: str
    state: ReplayState
    selection: SelectionOut
    rate_per_second: float | None
    total: int
    made: int
    skipped: int
    done: int
    delivered: int
    failed: int
    expired: int
    cancelled: int
    waits_for: str | None
    created_by: str
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, view: ReplayView) -> Self:
        wanted = view.selection
        return cls(
            id=view.id,
            webhook=view.webhook,
            state=view.state,
            selection=SelectionOut(
                states=None if wanted.missing else wanted.wanted_states,
                types=wanted.types,
                since=wanted.since,
                until=wanted.until,
                missing=wanted.missing,
            ),
            rate_per_second=wanted.rate_per_second,
            total=view.total,
            made=view.made,
            skipped=view.skipped,
            done=view.done,
            delivered=view.delivered,
            failed=view.failed,
            expired=view.expired,
            cancelled=view.cancelled,
            waits_for=view.waits_for,
            created_by=view.created_by,
            created_at=view.created_at,
            finished_at=view.finished_at,
        )
