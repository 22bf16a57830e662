"""No worker grows because many large events go out at once."""

from collections import Counter
from dataclasses import dataclass, field

from callboard.delivery.states import Lane

_MOST = 16 * 1024 * 1024


@dataclass(slots=True)
class Loads:
    """Of the data that is read as calls begin, in characters: at most so much for quick
    ones, and as much for the others, so that these keep no quick one waiting. A call
    beside no other may always begin."""

    most: int = _MOST
    _of: Counter[bool] = field(default_factory=Counter)

    def have_room(self, size: int, lane: Lane) -> bool:
        if not size:
            return True
        taken = self._of[_is_quick(lane)]
        return not taken or taken + size <= self.most

    def are_high(self, lane: Lane) -> bool:
        return self._of[_is_quick(lane)] > self.most // 2

    def enter(self, size: int, lane: Lane) -> None:
        if size:
            self._of[_is_quick(lane)] += size

    def leave(self, size: int, lane: Lane) -> None:
        self._of[_is_quick(lane)] -= size


def _is_quick(lane: Lane) -> bool:
    return lane is Lane.EXPRESS
