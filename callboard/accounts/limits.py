"""How often somebody may try something, as this process has counted it in memory."""

from collections import OrderedDict, deque
from collections.abc import Hashable
from datetime import datetime, timedelta

from callboard.errors import LimitReached
from callboard.tries import SharedTries

Limits = dict[Hashable, int]
"""How many tries each key may have."""

_SPAN = timedelta(minutes=15)
_REMEMBERED = 10_000


class TryLimit:
    """A try counts when it begins, so that many at once cannot slip through."""

    def __init__(self) -> None:
        self._tries: OrderedDict[Hashable, deque[datetime]] = OrderedDict()

    def count(self, limits: Limits, now: datetime) -> None:
        """Raises LimitReached, and counts nothing, if one key has had its fill."""
        recent = {key: self._recent(key, now) for key in limits}
        if any(len(recent[key]) >= most for key, most in limits.items()):
            raise _too_many()
        for key, tries in recent.items():
            tries.append(now)
            self._tries[key] = tries
            self._tries.move_to_end(key)
        while len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)

    async def count_everywhere(
        self, limits: Limits, now: datetime, others: SharedTries | None
    ) -> None:
        """Raises LimitReached for what other processes have counted, too."""
        self.count(limits, now)
        if others and not await others.count(limits, _SPAN):
            raise _too_many()

    def forget(self, *keys: Hashable) -> None:
        for key in keys:
            self._tries.pop(key, None)

    def take_back(self, *keys: Hashable) -> None:
        """The latest try of each was a good one."""
        for key in keys:
            if self._tries.get(key):
                self._tries[key].pop()

    def clear(self) -> None:
        self._tries.clear()

    def _recent(self, key: Hashable, now: datetime) -> deque[datetime]:
        tries = self._tries.get(key, deque())
        while tries and tries[0] <= now - _SPAN:
            tries.popleft()
        return tries


def _too_many() -> LimitReached:
    return LimitReached("Too many tries. Wait a quarter of an hour.", "too_many")
