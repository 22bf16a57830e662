"""What came of holding an event against a webhook's filters."""

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


class Condition(Protocol):
    """Both methods always agree."""

    @property
    def anchor(self) -> Anchor | None: ...

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


@dataclass(frozen=True, slots=True)
class AllOf:
    """A part whose conditions must all hold."""

    title: str
    conditions: tuple[Condition, ...]

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """Each of them is one, since all conditions must hold."""
        return tuple(each.anchor for each in self.conditions if each.anchor)

    def passes(self, subject: Subject) -> bool:
        return subject.readable and all(each.holds(subject) for each in self.conditions)

    def explain(self, subject: Subject) -> Verdict:
        """The first that fails, or how all of them hold."""
        if not subject.readable:
            return Verdict(False, UNREADABLE)
        verdicts = []
        for each in self.conditions:
            verdict = each.explain(subject)
            if not verdict.passes:
                return verdict
            verdicts.append(verdict.why)
        return Verdict(True, listed(verdicts))
