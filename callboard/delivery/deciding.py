"""What becomes of a delivery after a call."""

from datetime import datetime, timedelta
from random import Random

from callboard import retry, schedule
from callboard.delivery.calls.targets import Target
from callboard.delivery.ledger import Claimed, Result, Sent
from callboard.delivery.states import DeliveryState, Trigger
from callboard.outcome import ErrorClass, Outcome

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
    state, due = DeliveryState.FAILED, None
    reason: str | None = "every try failed"
    if retry.succeeded(target.success, outcome):
        state, reason = DeliveryState.DELIVERED, None
    elif outcome.error is ErrorClass.VALUE:
        reason = outcome.detail[:_LONGEST_REASON]  # no later try would do better
    elif outcome.status == retry.GONE and outcome.error is None:
        # Its webhook is deactivated with the recording of it; so it will be held.
        state, due, reason = DeliveryState.PENDING, ended_at, None
    elif claimed.trigger == Trigger.HAND:
        state, due, reason = DeliveryState.PENDING, claimed.planned, None
    elif target.delivery is not None:
        if claimed.tries + 1 < schedule.TRIES:
            state, reason = DeliveryState.PENDING, None  # for the next run to take
    else:
        number = claimed.tries + 1
        delay = retry.next_delay(target.plan, number, outcome, ended_at, rng)
        if delay is not None:
            state, reason = DeliveryState.PENDING, None
            due = started_at + timedelta(seconds=delay)
    return Result(claimed, sent, started_at, outcome, state, due, reason, ended_at)
