"""What becomes of a delivery after a call."""

from datetime import datetime, timedelta
from random import Random
from typing import TypeAlias

from callboard import retry, schedule
from callboard.delivery.calls.targets import Target
from callboard.delivery.ledger import Claimed, Result, Sent
from callboard.delivery.states import DeliveryState, Trigger
from callboard.outcome import ErrorClass, Outcome

# The state that follows, when it is due again, and why it ended.
_Fate: TypeAlias = tuple[DeliveryState, datetime | None, str | None]
_LOST: _Fate = (DeliveryState.FAILED, None, "every try failed")
_LONGEST_REASON = 120  # as the column has it


def decide(
    claimed: Claimed,
    target: Target,
    sent: Sent,
    outcome: Outcome,
    started_at: datetime,
    rng: Random,
) -> Result:
    """Gaps run from the start of the try."""
    ended_at = started_at + timedelta(seconds=outcome.seconds)
    state, due, reason = _fate(claimed, target, outcome, started_at, ended_at, rng)
    return Result(claimed, sent, started_at, outcome, state, due, reason, ended_at)


def _fate(
    claimed: Claimed,
    target: Target,
    outcome: Outcome,
    started_at: datetime,
    ended_at: datetime,
    rng: Random,
) -> _Fate:
    if retry.succeeded(target.success, outcome):
        return DeliveryState.DELIVERED, None, None
    if outcome.error is ErrorClass.VALUE:  # no later try would do better
        return DeliveryState.FAILED, None, outcome.detail[:_LONGEST_REASON]
    if outcome.status == retry.GONE and outcome.error is None:
        # Its webhook is deactivated with the recording of it; so it will be held.
        return DeliveryState.PENDING, ended_at, None
    if claimed.trigger == Trigger.HAND:
        return DeliveryState.PENDING, claimed.planned, None
    number = claimed.tries + 1
    if target.delivery is not None:
        if number < schedule.TRIES:
            return DeliveryState.PENDING, None, None  # for the next run to take
        return _LOST
    delay = retry.next_delay(target.plan, number, outcome, ended_at, rng)
    if delay is None:
        return _LOST
    return DeliveryState.PENDING, started_at + timedelta(seconds=delay), None
