"""What goes into the ledger and comes out of it.

Structs: made thousands of times a second, they cost a tenth of what dataclasses do.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Self

import msgspec

from callboard.delivery.states import DeliveryState, Trigger
from callboard.outcome import Outcome
from callboard.payload.values import Facts


class NewDelivery(msgspec.Struct, frozen=True, gc=False):
    """A row, its fields in the order of the columns that are written.

    `due` for pending, unless it waits for a scheduled run; `held_until` for held, the
    end and its reason for others. `record`: see the table."""

    event: str
    account: str
    webhook: str
    state: DeliveryState
    due: datetime | None
    held_until: datetime | None
    created_at: datetime
    finished_at: datetime | None = None
    reason: str | None = None
    repeats: int | None = None
    extra: bool = False
    trigger: Trigger = Trigger.PLAN
    record: str | None = None

    @classmethod
    def on_request(
        cls,
        account: str,
        webhook: str,
        event: str,
        repeats: int | None,
        due: datetime | None,
        now: datetime,
    ) -> Self:
        """Beyond those that the event's receipt named. `repeats`: an earlier one."""
        return cls(
            event=event,
            account=account,
            webhook=webhook,
            state=DeliveryState.PENDING,
            due=due,
            held_until=None,
            created_at=now,
            repeats=repeats,
            extra=True,
            trigger=Trigger.REPLAY,
        )


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A delivery leased to this worker; its fields up to `late` in the order of the
    columns that are read. `facts`: its event, which others may carry, too; `unread`:
    how long the event's data is where that is left out, because it is large, or that
    of all in its call.

    `deferred`: a replay, a hold or a run made it wait. `queued`: many more of its
    webhook's deliveries wait. `slots`: how many calls the webhook may have in flight.
    `bucket`: others may go in the same call. They are leased when it is made, and
    `rides` is true of them: only the one that was claimed counts as a call.
    """

    seq: int
    account: str
    webhook: str
    trigger: Trigger
    tries: int
    attempts: int
    planned: datetime | None
    bucket: str | None
    deferred: bool
    late: bool
    facts: Facts
    unread: int
    lease: str
    version: int
    slots: int
    queued: bool
    rides: bool = False

    @property
    def bulk(self) -> bool:
        """Nobody waits for it at this moment."""
        return self.deferred or (self.late and self.queued)


class Sent(msgspec.Struct, frozen=True, gc=False):
    """The call that was made; secrets in `headers` are masked already. `lead`: the
    delivery with which the body is kept."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    lead: int | None = None


class Result(msgspec.Struct, frozen=True, gc=False):
    """A claimed delivery after its call, and what was decided about it."""

    claimed: Claimed
    sent: Sent
    started_at: datetime
    outcome: Outcome
    state: DeliveryState
    due: datetime | None
    reason: str | None
    ended_at: datetime


class Recorded(msgspec.Struct, frozen=True):
    """`mine`: by webhook, what was still leased to us; `failing`: see `Turn`."""

    mine: dict[str, list[Result]]
    failing: frozenset[str]


def mostly_bulk(claimed: Sequence[Claimed]) -> dict[str, bool]:
    """By webhook, whether more than half of what was claimed of it is bulk."""
    ayes: Counter[str] = Counter()
    for each in claimed:
        ayes[each.webhook] += 1 if each.bulk else -1
    return {webhook: balance > 0 for webhook, balance in ayes.items()}
