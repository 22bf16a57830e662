"""Why a webhook gets an event or not, in a sentence for people."""

from collections.abc import Sequence

from callboard.matching.filters import Filters
from callboard.matching.patterns import compile_patterns
from callboard.matching.subject import Subject
from callboard.matching.values import listed
from callboard.matching.verdict import Verdict

_SHOWN = 5
_LONGEST = 128


def explain(
    events: Sequence[str], filters: Filters | None, event_type: str, subject: Subject
) -> Verdict:
    """By what it listens to and by its filters, whatever its state."""
    verdict = explain_events(events, event_type)
    if not verdict.passes or filters is None:
        return verdict
    found = filters.explain(subject)
    part, last = found[-1]
    if not last.passes:
        return Verdict(False, f"Stopped by its {part.title}: {last.why}.")
    met = [
        f"It passes its {part.title}: {each.why}." for part, each in found if each.why
    ]
    return Verdict(True, " ".join([verdict.why, *met]))


def explain_events(events: Sequence[str], event_type: str) -> Verdict:
    """Only by what it listens to."""
    shown = event_type[:_LONGEST]
    found = [event for event in events if compile_patterns([event]).matches(event_type)]
    if event_type in found:
        return Verdict(True, f"It listens to {shown}.")
    if "*" in found:
        return Verdict(True, "It listens to every event type.")
    if found:
        return Verdict(True, f"It listens to {found[0]}, which covers {shown}.")
    heard = listed(events or ["nothing"], most=_SHOWN)
    return Verdict(False, f"It listens to {heard}, not to {shown}.")
