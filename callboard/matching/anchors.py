"""What must stand in an event for a filter to let it pass, as far as it is plain text:
by that, thousands of filters are told apart without asking each of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from callboard.matching.subject import Subject

Key: TypeAlias = str | float


class Reach(Protocol):
    """A place in the data. Equal ones lead to the same."""

    def __hash__(self) -> int: ...

    def keys(self, subject: Subject) -> Iterable[Key]: ...


@dataclass(frozen=True, slots=True)
class Anchor:
    """No event passes in which none of the keys is found there."""

    reach: Reach
    keys: frozenset[Key]
