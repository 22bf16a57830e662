"""How much bulk a worker takes beside live traffic.

Bulk is what nobody waits for at this moment: replays, what was held or came in a
scheduled run, and what is so late that it is a backlog. Alone it may have everything.
While other webhooks get their events as they come, a worker keeps only so much of it
leased that its looks stay short: a little more after a short one, a part less after a
long one, and never less than a tenth of its places.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from callboard.delivery.ledger import Claimed, mostly_bulk

# For so long after its latest delivery a webhook's traffic goes first.
_LATELY = 2.0
_LONG = 0.010  # seconds of a look: live deliveries wait for its end
_LESS = 0.8
_FAIRLY = 10
_LOOKS = 3  # of bulk that may wait: whoever makes more comes again soon


@dataclass(slots=True)
class Bulk:
    """One worker's, which may have so many calls (`places`) under way. `at`: seconds of
    a clock that never jumps.

    `_beside_live`: how much it may have leased then. `_live`: the webhooks whose latest
    deliveries came in time, and when that was, the latest last.
    """

    places: int
    _beside_live: float = field(init=False)
    _live: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._beside_live = self.tenth

    @property
    def tenth(self) -> int:
        return max(self.places // _FAIRLY, 1)

    def most(self, at: float) -> int | None:
        """How much bulk may be leased, over all webhooks; None while there is nothing
        else."""
        while self._live and next(iter(self._live.values())) < at - _LATELY:
            del self._live[next(iter(self._live))]
        return int(self._beside_live) if self._live else None

    def ahead(self, at: float) -> int:
        """How much bulk may be made to wait for this worker's next looks."""
        most = self.most(at)
        if most is None:
            return self.places * _LOOKS
        return min(most * _LOOKS, self.places)

    def learn(
        self, claimed: Sequence[Claimed], seconds: float, room: int | None, at: float
    ) -> None:
        """From a look that took so long and had room for so much bulk."""
        for webhook, is_bulk in mostly_bulk(claimed).items():
            self._live.pop(webhook, None)
            if not is_bulk:
                self._live[webhook] = at
        if room is None:
            return
        if seconds > _LONG:
            self._beside_live = max(self._beside_live * _LESS, self.tenth)
        elif sum(each.bulk for each in claimed) >= room:
            self._beside_live = min(self._beside_live + 1, 2 * self.places)
