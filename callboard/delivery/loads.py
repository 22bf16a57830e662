"""No worker grows because many large events go out at once."""

from collections import Counter
from dataclasses import dataclass, field

from callboard.delivery.states import Lane
from callboard.payload.values import LARGEST_BODY

_MOST = 16 * 1024 * 1024


@dataclass(slots=True)
class Loads:
    """Of the data that is read as calls begin, in characters: at most so much for quick
    ones, and as much for the others, so that these keep no quick one waiting. As much,
    too, for those with more in them than one event brings, whatever their lane: most
    are under way for long, and would keep all others waiting. A call beside no other
    may always begin."""

    most: int = _MOST
    _of: Counter[str] = field(default_factory=Counter)

    def have_room(self, size: int, lane: Lane) -> bool:
        if not size:
            return True
        taken = self._of[_share(size, lane)]
        return not taken or taken + size <= self.most

    def are_high(self, lane: Lane) -> bool:
        return self._of[_share(1, lane)] > self.most // 2

    def enter(self, size: int, lane: Lane) -> None:
        if size:
            self._of[_share(size, lane)] += size

    def leave(self, size: int, lane: Lane) -> None:
        self._of[_share(size, lane)] -= size


def _share(size: int, lane: Lane) -> str:
    if size > LARGEST_BODY:
        return "several"
    return "quick" if lane is Lane.EXPRESS else "others"
