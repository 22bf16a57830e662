"""When a receiver stays away: what its calls come to, as a pure rule.

A webhook is deactivated when every try of one delivery (or of as many as it says) has
failed and no other delivery succeeded since its first, and at once by a 410.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

# With one try each there is no time in which a receiver could come back.
LEAST_OF_SINGLE_TRIES = 5
# A receiver that comes and goes is told of once in this time.
FLAPPING = timedelta(hours=1)

FAILED = "failed"
GONE = "gone"


class Sign(StrEnum):
    FAILING = "failing"
    DEACTIVATE = "deactivate"
    RECOVERED = "recovered"
    DELIVERY_FAILED = "delivery_failed"


@dataclass(frozen=True, slots=True)
class Rule:
    """`after`: so many deliveries must fail; None for never. `tries`: of the plan."""

    after: int | None
    tries: int

    @property
    def threshold(self) -> int | None:
        if self.after is None or self.tries > 1:
            return self.after
        return max(self.after, LEAST_OF_SINGLE_TRIES)


@dataclass(frozen=True, slots=True)
class Seen:
    """A call that ended. `first_at`: when the first try of its delivery began; `tries`:
    how many were made. `lost`: it was the last one of the plan, and failed.
    `unmade`: the event has no fitting value for a placeholder, which tells nothing
    about the receiver."""

    delivery: int
    first_at: datetime
    started_at: datetime
    ended_at: datetime
    tries: int
    passed: bool
    lost: bool = False
    gone: bool = False
    unmade: bool = False
    status: int | None = None
    error: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """As in the table `health`, and when the latest success ended."""

    succeeded_at: datetime | None = None
    since: datetime | None = None
    tries: int = 0
    lost: int = 0
    first_lost: int | None = None
    verdict: str | None = None
    told: bool = False
    told_at: datetime | None = None
    alarmed: bool = False
    reminded: bool = False
    tests: int = 0
    last_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    last_detail: str = ""

    @property
    def is_quiet(self) -> bool:
        """The next success changes nothing here."""
        return self.since is None and not self.alarmed


@dataclass(frozen=True, slots=True)
class Signal:
    """`state`: as it was when the sign showed, for a recovery the one before it."""

    sign: Sign
    state: State
    seen: Seen


def track(
    state: State, rule: Rule, calls: Sequence[Seen], now: datetime
) -> tuple[State, list[Signal]]:
    """After a verdict nothing counts until the webhook is activated again, but what
    is lost is held with the rest."""
    signals: list[Signal] = []
    for call in sorted(calls, key=lambda call: call.ended_at):
        if state.verdict is not None:
            state = _with_lost(state, call)
            continue
        if call.unmade:
            told = _with_last(state, call)
            signals.append(Signal(Sign.DELIVERY_FAILED, told, call))
            continue
        step = _succeed if call.passed else _fail
        state, more = step(state, rule, call, now)
        signals += more
    return state, signals


def _succeed(
    state: State, rule: Rule, call: Seen, now: datetime
) -> tuple[State, list[Signal]]:
    latest = max(state.succeeded_at or call.ended_at, call.ended_at)
    told_at = now if state.alarmed else state.told_at
    signals = [Signal(Sign.RECOVERED, state, call)] if state.alarmed else []
    return State(succeeded_at=latest, told_at=told_at), signals


def _fail(
    state: State, rule: Rule, call: Seen, now: datetime
) -> tuple[State, list[Signal]]:
    counts = state.succeeded_at is None or call.first_at > state.succeeded_at
    state = replace(
        _with_last(state, call),
        since=state.since or (call.started_at if counts else call.ended_at),
        tries=state.tries + 1,
    )
    state = _with_lost(state, call)
    state = replace(state, lost=state.lost + (call.lost and counts))
    verdict = _verdict(state, rule, call)
    if verdict is not None:
        told = replace(state, verdict=verdict, told=True, told_at=now, alarmed=True)
        return told, [Signal(Sign.DEACTIVATE, told, call)]
    signals = [Signal(Sign.DELIVERY_FAILED, state, call)] if call.lost else []
    if counts and _is_worth_telling(state, rule, call, now):
        state = replace(state, told=True, told_at=now, alarmed=True)
        signals.append(Signal(Sign.FAILING, state, call))
    return state, signals


def _with_lost(state: State, call: Seen) -> State:
    if not call.lost or call.unmade:
        return state
    first = min(state.first_lost or call.delivery, call.delivery)
    return replace(state, first_lost=first)


def _with_last(state: State, call: Seen) -> State:
    return replace(
        state,
        last_at=call.ended_at,
        last_status=call.status,
        last_error=call.error,
        last_detail=call.detail,
    )


def _verdict(state: State, rule: Rule, call: Seen) -> str | None:
    if call.gone:
        return GONE
    threshold = rule.threshold
    if call.lost and threshold is not None and state.lost >= threshold:
        return FAILED
    return None


def _is_worth_telling(state: State, rule: Rule, call: Seen, now: datetime) -> bool:
    tries = call.tries if rule.tries > 1 else state.tries
    lately = state.told_at is not None and now - state.told_at < FLAPPING
    return tries >= 2 and not state.told and not lately
