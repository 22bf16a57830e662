"""No receiver is flooded because many webhooks call its host."""

from collections import Counter
from dataclasses import dataclass, field

from callboard.delivery.states import Lane

MOST_PER_HOST = 256  # over all webhooks and workers


@dataclass(slots=True)
class Hosts:
    """This worker's calls by host, at most its `share` to each; at most half of that
    goes to calls that are not quick."""

    share: int = MOST_PER_HOST
    _calls: Counter[str] = field(default_factory=Counter)
    _others: Counter[str] = field(default_factory=Counter)

    def have_room(self, host: str, lane: Lane) -> bool:
        if self._calls[host] >= self.share:
            return False
        return lane is Lane.EXPRESS or self._others[host] < max(self.share // 2, 1)

    def enter(self, host: str, lane: Lane) -> None:
        self._calls[host] += 1
        self._others[host] += lane is not Lane.EXPRESS

    def leave(self, host: str, lane: Lane) -> None:
        self._calls[host] -= 1
        self._others[host] -= lane is not Lane.EXPRESS
        if not self._calls[host]:
            del self._calls[host], self._others[host]

    def shrink(self, share: int) -> int:
        """From now on no call begins beyond `share`. Returns how many a host may still
        have until the calls under way have ended."""
        self.share = min(self.share, share)
        return max(share, max(self._calls.values(), default=0))

    def slow_down(self, host: str) -> None:
        """A call to it has turned patient."""
        self._others[host] += 1


def share_of(workers: int, others: int) -> int:
    """How many calls to one host each of so many workers should make at a time; the
    `others` may make so many together now, and first have to shrink."""
    even = max(MOST_PER_HOST // max(workers, 1), 1)
    return max(min(even, MOST_PER_HOST - others), 0)
