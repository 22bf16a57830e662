"""Claims that may or may not have been made: the look that made them broke off."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Unsure:
    """Nobody has told us whether these were committed, and nobody else ever frees what
    a living worker has leased. The server may still be committing them while we look
    again, so each is freed several times: after each of `waits`, in seconds.

    `at`: seconds of a clock that never jumps.
    """

    waits: Sequence[float] = (0.0, 1.0, 3.0, 10.0)
    _due: list[tuple[float, str]] = field(default_factory=list)

    def add(self, leases: Iterable[str], at: float) -> None:
        self._due += [(at + wait, lease) for lease in leases for wait in self.waits]

    def due(self, at: float) -> list[str]:
        return sorted({lease for when, lease in self._due if when <= at})

    def freed(self, at: float) -> None:
        """All that was due then."""
        self._due = [each for each in self._due if each[0] > at]
