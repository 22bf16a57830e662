"""One worker's calls: under way, or leased ahead so that no place stands empty.

A look at the database takes longer than a quick call. So a worker that alone calls a
quick webhook leases more of its deliveries than may be in flight, and starts one as
another ends. How many are in flight stays within the webhook's slots and our places.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

from callboard.delivery.ledger import Claimed
from callboard.delivery.states import Lane
from callboard.delivery.turns import SLOW_SECONDS

# Only for the quickest is something leased ahead: it must start within a second.
_QUICK_SECONDS = 0.1
_REMEMBERED = 10_000


@dataclass(slots=True, eq=False)
class Flight:
    """A call under way. It holds an express place for its first second only.

    There may be two of one delivery: a worker that slept so long that its leases were
    taken away may claim it once more while its old call hangs.
    """

    claimed: Claimed
    lane: Lane
    begun: float
    slow: bool = False


_Waiting = deque[tuple[float, Claimed]]  # since when, the longest first


@dataclass(slots=True)
class Flights:
    """`_of` counts what fills a webhook's slots: under way, or ready for a place.
    `_ahead` is what waits for a slot, by webhook.
    """

    places: int
    _under_way: set[Flight] = field(default_factory=set)
    _young: deque[Flight] = field(default_factory=deque)
    _in_lane: Counter[Lane] = field(default_factory=Counter)
    _of: Counter[str] = field(default_factory=Counter)
    _slow: Counter[str] = field(default_factory=Counter)
    _quick: set[str] = field(default_factory=set)
    _ready: _Waiting = field(default_factory=deque)
    _ahead: dict[str, _Waiting] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def is_full(self) -> bool:
        return self._free(Lane.EXPRESS) <= 0

    def room(self, lane: Lane) -> int:
        """How many more may be leased, for express as many again ahead."""
        free = self._free(lane)
        if lane is Lane.EXPRESS:
            ahead = sum(map(len, self._ahead.values()))
            free += self.places - len(self._ready) - ahead
        return max(free, 0)

    def held(self) -> dict[str, int]:
        """What is leased to us, by webhook: those that may be leased ahead."""
        return {
            webhook: self._of[webhook] + len(self._ahead.get(webhook, ()))
            for webhook in self._quick
        }

    def board(self, leased: Iterable[tuple[Lane, Claimed]]) -> list[Flight]:
        """New leases; the calls among them that begin now."""
        now, begun = monotonic(), []
        for lane, claimed in leased:
            webhook = claimed.webhook
            if lane is not Lane.EXPRESS:
                self._of[webhook] += 1
                begun.append(self._begin(claimed, lane))
            elif self._of[webhook] < claimed.slots:
                self._of[webhook] += 1
                self._ready.append((now, claimed))
            else:
                self._ahead.setdefault(webhook, deque()).append((now, claimed))
        return begun + self._begin_ready()

    def land(self, flight: Flight, seconds: float) -> list[Flight]:
        """A call has ended; the calls that begin in its place."""
        webhook = flight.claimed.webhook
        self._under_way.remove(flight)
        self._in_lane[flight.lane] -= 1
        if flight.slow:
            self._slow[webhook] -= 1
        self._judge(webhook, seconds)
        if ahead := self._ahead.get(webhook):
            self._ready.append(ahead.popleft())
        else:
            self._of[webhook] -= 1
        return self._begin_ready()

    def age(self) -> frozenset[str]:
        """Calls older than a second become patient; the webhooks that have such."""
        grown = monotonic() - SLOW_SECONDS
        while self._young and self._young[0].begun < grown:
            flight = self._young.popleft()
            if flight in self._under_way:
                self._in_lane[flight.lane] -= 1
                flight.lane, flight.slow = Lane.PATIENT, True
                self._in_lane[Lane.PATIENT] += 1
                self._slow[flight.claimed.webhook] += 1
        self._slow = +self._slow
        return frozenset(self._slow)

    def give_up(self, seconds: float) -> list[Claimed]:
        """Takes out the leases that have waited for so long, or for a slow webhook."""
        oldest = monotonic() - seconds
        left = []
        while self._ready and self._ready[0][0] <= oldest:
            left.append(self._ready.popleft()[1])
            self._of[left[-1].webhook] -= 1
        for webhook, ahead in list(self._ahead.items()):
            while ahead and (ahead[0][0] <= oldest or webhook in self._slow):
                left.append(ahead.popleft()[1])
            if not ahead:
                del self._ahead[webhook]
        return left

    def _free(self, lane: Lane) -> int:
        """Every place for express calls younger than a second, but half of them where
        others are under way. At most half for the rest, and a quarter for the untried:
        a thousand new dead receivers delay no quick one.
        """
        half = max(self.places // 2, 1)
        others = self._in_lane[Lane.PATIENT] + self._in_lane[Lane.UNTRIED]
        if lane is Lane.EXPRESS:
            return max(self.places - others, half) - self._in_lane[lane]
        rest = half - others
        if lane is Lane.PATIENT:
            return rest
        return min(rest, max(half // 2, 1) - self._in_lane[lane])

    def _begin_ready(self) -> list[Flight]:
        begun = []
        for _ in range(min(len(self._ready), self._free(Lane.EXPRESS))):
            begun.append(self._begin(self._ready.popleft()[1], Lane.EXPRESS))
        return begun

    def _begin(self, claimed: Claimed, lane: Lane) -> Flight:
        flight = Flight(claimed, lane, monotonic())
        self._under_way.add(flight)
        self._young.append(flight)
        self._in_lane[lane] += 1
        return flight

    def _judge(self, webhook: str, seconds: float) -> None:
        if seconds > _QUICK_SECONDS:
            self._quick.discard(webhook)
        elif webhook not in self._quick:
            if len(self._quick) >= _REMEMBERED:
                self._quick.clear()
            self._quick.add(webhook)
