"""What came of holding an event against a webhook's filters."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from callboard.matching.anchors import Anchor
from callboard.matching.subject import Subject
from callboard.matching.values import listed

UNREADABLE = (
    "its data cannot be read: it is nested too deeply, or a number in it is too large"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why`: a sentence, or from a part of the filters what follows a colon."""

    passes: bool
    why: str


class Test(Protocol):
    """One condition. Both methods always agree."""

    def holds(self, subject: Subject) -> bool: ...

    def explain(self, subject: Subject) -> Verdict: ...


class Part(Protocol):
    """One kind of filter of a webhook, compiled. Both methods always agree."""

    @property
    def title(self) -> str: ...

    @property
    def anchors(self) -> tuple[Anchor, ...]: ...

    def passes(self, subject: Subject) -> bool: ...

    def explain(self, subject: Subject) -> Verdict: ...


def all_hold(tests: Iterable[Test], subject: Subject) -> bool:
    return subject.readable and all(test.holds(subject) for test in tests)


def explain_all(tests: Iterable[Test], subject: Subject) -> Verdict:
    """The first that fails, or how all of them hold."""
    if not subject.readable:
        return Verdict(False, UNREADABLE)
    verdicts = []
    for test in tests:
        verdict = test.explain(subject)
        if not verdict.passes:
            return verdict
        verdicts.append(verdict.why)
    return Verdict(True, listed(verdicts))
