"""When to try again, and what counts as done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Literal, TypeAlias

from callboard.errors import Problem
from callboard.outcome import Outcome

SuccessRule: TypeAlias = Literal["2xx", "200"] | Collection[int]

GONE = 410
MOST_GAPS = 20
LONGEST_GAP = 30 * 86400
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """Seconds from the start of each try to the start of the next."""

    gaps: tuple[int, ...]


DEFAULT_PLAN = RetryPlan((120, 480, 1200, 1800, 3600))


def next_delay(
    plan: RetryPlan, number: int, outcome: Outcome, now: datetime, rng: Random
) -> float | None:
    """Seconds from the start of try `number` to the next; None when there is none.

    Each gap is shortened by up to a tenth, so that a herd spreads and the last try
    stays inside the plan's time. `now` is when the answer had been read.
    """
    if number > len(plan.gaps):
        return None
    gap = plan.gaps[number - 1] * (1 - rng.random() / 10)
    asked = _retry_after(outcome, now)
    return gap if asked is None else max(gap, min(asked, 2 * gap))


def succeeded(rule: SuccessRule, outcome: Outcome) -> bool:
    """A redirect is never followed and never a success, whatever the rule lists."""
    status = outcome.status
    if outcome.error is not None or status is None or 300 <= status < 400:
        return False
    if isinstance(rule, str):
        return status == 200 if rule == "200" else 200 <= status < 300
    return status in rule


def describe(plan: RetryPlan) -> str:
    gaps = plan.gaps
    if not gaps:
        return "No retries"
    if len(gaps) == 1:
        return f"1 retry after {_span(gaps[0])}"
    each = f"every {_span(gaps[0])}" if len(set(gaps)) == 1 else f"after {_each(gaps)}"
    return f"{len(gaps)} retries over {_span(sum(gaps))}: {each}"


def check_plan(gaps: Sequence[object]) -> list[Problem]:
    if len(gaps) > MOST_GAPS:
        message = f"Plan at most {MOST_GAPS} retries; this plan has {len(gaps)}."
        return [Problem("retry.schedule", "too_many", message)]
    message = f"Give whole seconds from 1 to {LONGEST_GAP} (30 days)."
    return [
        Problem(f"retry.schedule.{place}", "out_of_range", message)
        for place, gap in enumerate(gaps)
        if type(gap) is not int or not 1 <= gap <= LONGEST_GAP
    ]


def _retry_after(outcome: Outcome, now: datetime) -> float | None:
    """Seconds from the start of the try; None where the receiver asks for none, or for
    nonsense."""
    if outcome.status not in (429, 503):
        return None
    values = [value for name, value in outcome.headers if name.lower() == "retry-after"]
    wait = _seconds(values[0].strip(), now) if values else None
    return wait + outcome.seconds if wait is not None and wait > 0 else None


def _seconds(text: str, now: datetime) -> float | None:
    """RFC 9110, 10.2.3: whole seconds or a date."""
    if len(text) > 40 or not text.isascii():
        return None
    if text.isdigit():
        return int(text) if len(text) < 10 else None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()


def _each(gaps: tuple[int, ...]) -> str:
    """In one unit where that reads well, else each gap in its own."""
    for seconds, unit in _UNITS:
        if not any(gap % seconds for gap in gaps) and max(gaps) <= 120 * seconds:
            return f"{_listed([str(gap // seconds) for gap in gaps])} {unit}s"
    return _listed([_span(gap) for gap in gaps])


def _span(seconds: int) -> str:
    """At most the two largest units: the rest would only be noise."""
    parts = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts[:2])


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
