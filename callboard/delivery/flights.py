"""One worker's calls: under way, or leased ahead so that no place stands empty.

A look at the database takes longer than a quick call. So a worker that alone calls a
quick webhook leases more of its deliveries than may be in flight, and starts one as
another ends. How many are in flight stays within the webhook's slots and our places.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from time import monotonic
from types import MappingProxyType
from typing import NamedTuple

from callboard.delivery.calls.request import Call
from callboard.delivery.calls.targets import Target
from callboard.delivery.hosts import Hosts
from callboard.delivery.ledger import Claimed
from callboard.delivery.loads import Loads
from callboard.delivery.states import Lane
from callboard.delivery.turns import AHEAD, SLOW_SECONDS

# Only for the quickest is something leased ahead: it must start within a second.
_QUICK_SECONDS = 0.1
# Leased at once while large events fill memory: most of them would be given back.
_FEW = 16
_REMEMBERED = 1_000  # each look at the database goes over them


class Prepared(NamedTuple):
    """A call at the moment it is made, and the deliveries that go in it. `misfits`: see
    `request.misfits`."""

    members: Sequence[Claimed]
    call: Call
    started_at: datetime
    misfits: Mapping[int, str] = MappingProxyType({})


@dataclass(slots=True, eq=False)
class Flight:
    """A leased delivery and the call that it becomes. That holds an express place for
    its first second only. `since`: it was leased, and later, it began. `prepared`:
    where nothing need be read for it.

    There may be two of one delivery: a worker that slept so long that its leases were
    taken away may claim it once more while its old call hangs.
    """

    claimed: Claimed
    target: Target
    lane: Lane
    since: float = field(default_factory=monotonic)
    leased_at: float = field(default_factory=monotonic)
    slow: bool = False
    prepared: Prepared | None = None


@dataclass(slots=True)
class Flights:
    """`_of` counts what fills a webhook's slots: all but what is `_ahead`, by webhook.
    What is `_ready` waits for a place, what is `_crowded` for its host, what is
    `_heavy` for others with large events.
    """

    places: int
    hosts: Hosts = field(default_factory=Hosts)
    loads: Loads = field(default_factory=Loads)
    _under_way: set[Flight] = field(default_factory=set)
    _young: deque[Flight] = field(default_factory=deque)
    _in_lane: dict[Lane, int] = field(default_factory=lambda: dict.fromkeys(Lane, 0))
    _of: Counter[str] = field(default_factory=Counter)
    _slow: Counter[str] = field(default_factory=Counter)
    _quick: set[str] = field(default_factory=set)
    _ready: deque[Flight] = field(default_factory=deque)
    _ahead: dict[str, deque[Flight]] = field(default_factory=dict)
    _crowded: dict[str, deque[Flight]] = field(default_factory=dict)
    _heavy: deque[Flight] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def is_full(self) -> bool:
        return self._free(Lane.EXPRESS) <= 0

    def room(self, lane: Lane) -> int:
        """How many more may be leased, for express some ahead."""
        free = self._free(lane)
        heavy = sum(each.lane is lane for each in self._heavy)
        if self.loads.are_high(lane):
            free = min(free, _FEW) - heavy
        elif lane is Lane.EXPRESS:
            queues = chain(self._ahead.values(), self._crowded.values())
            waiting = len(self._ready) + len(self._heavy) + sum(map(len, queues))
            free += AHEAD * self.places - waiting
        else:
            free -= heavy
        return max(free, 0)

    def is_half_free(self, lane: Lane) -> bool:
        return self._free(lane) >= self._in_lane[lane]

    @property
    def bulk(self) -> int:
        """Leases of it that hold express places, or wait for one."""
        queues = chain(self._ahead.values(), self._crowded.values())
        flights = chain(self._under_way, self._ready, self._heavy, *queues)
        return sum(f.claimed.bulk and f.lane is Lane.EXPRESS for f in flights)

    def held(self) -> dict[str, int]:
        """What is leased to us, by webhook: those that may be leased ahead."""
        return {
            webhook: self._of[webhook] + len(self._ahead.get(webhook, ()))
            for webhook in self._quick
        }

    def board(self, leased: Iterable[Flight]) -> list[Flight]:
        """New leases; the calls among them that begin now."""
        for flight in leased:
            webhook = flight.claimed.webhook
            full = self._of[webhook] >= flight.claimed.slots
            if full and flight.lane is Lane.EXPRESS:
                self._ahead.setdefault(webhook, deque()).append(flight)
            else:
                self._of[webhook] += 1
                self._ready.append(flight)
        return self._begin()

    def land(self, flight: Flight, seconds: float) -> list[Flight]:
        """A call has ended; the calls that begin in its place."""
        webhook, host = flight.claimed.webhook, flight.target.host
        self._under_way.remove(flight)
        self._in_lane[flight.lane] -= 1
        if flight.slow:
            self._slow[webhook] -= 1
        self.hosts.leave(host, flight.lane)
        if flight.claimed.unread:
            self._unload(flight)
        self._judge(webhook, seconds)
        self._of[webhook] -= 1
        if ahead := self._ahead.get(webhook):
            self._of[webhook] += 1
            self._ready.append(ahead.popleft())
        if crowded := self._crowded.get(host):
            self._ready.append(crowded.popleft())
        return self._begin()

    def age(self) -> frozenset[str]:
        """Calls older than a second become patient; the webhooks that have such."""
        grown = monotonic() - SLOW_SECONDS
        while self._young and self._young[0].since < grown:
            flight = self._young.popleft()
            if flight in self._under_way:
                self._slow_down(flight)
        self._slow = +self._slow
        return frozenset(self._slow)

    def give_up(self, seconds: float) -> list[Claimed]:
        """Takes out the leases that have waited for so long, or for a slow webhook."""
        oldest = monotonic() - seconds
        left = []
        for queue in (self._ready, self._heavy, *self._crowded.values()):
            while queue and queue[0].since <= oldest:
                left.append(queue.popleft().claimed)
                self._of[left[-1].webhook] -= 1
        for webhook, ahead in self._ahead.items():
            while ahead and (ahead[0].since <= oldest or webhook in self._slow):
                left.append(ahead.popleft().claimed)
        self._ahead = {
            webhook: ahead for webhook, ahead in self._ahead.items() if ahead
        }
        self._crowded = {host: each for host, each in self._crowded.items() if each}
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

    def _begin(self) -> list[Flight]:
        """What has a place and whose host has room, in the order of the leases."""
        begun = []
        while self._ready:
            if self.is_full and self._ready[0].lane is Lane.EXPRESS:
                break
            flight = self._ready.popleft()
            host, lane = flight.target.host, flight.lane
            if not self.hosts.have_room(host, lane):
                self._crowded.setdefault(host, deque()).append(flight)
            elif not self.loads.have_room(flight.claimed.unread, lane):
                self._heavy.append(flight)
            else:
                self._take_off(flight)
                begun.append(flight)
        return begun

    def _take_off(self, flight: Flight) -> None:
        flight.since = monotonic()
        self._under_way.add(flight)
        self._young.append(flight)
        self._in_lane[flight.lane] += 1
        self.hosts.enter(flight.target.host, flight.lane)
        self.loads.enter(flight.claimed.unread, flight.lane)

    def _unload(self, flight: Flight) -> None:
        """Others may fit in its place."""
        self.loads.leave(flight.claimed.unread, flight.lane)
        self._ready += self._heavy
        self._heavy.clear()

    def _slow_down(self, flight: Flight) -> None:
        if flight.lane is Lane.EXPRESS:
            self.hosts.slow_down(flight.target.host)
        self._in_lane[flight.lane] -= 1
        self.loads.leave(flight.claimed.unread, flight.lane)
        flight.lane, flight.slow = Lane.PATIENT, True
        self._in_lane[Lane.PATIENT] += 1
        self.loads.enter(flight.claimed.unread, flight.lane)
        self._slow[flight.claimed.webhook] += 1

    def _judge(self, webhook: str, seconds: float) -> None:
        if seconds > _QUICK_SECONDS:
            self._quick.discard(webhook)
        elif webhook not in self._quick:
            if len(self._quick) >= _REMEMBERED:
                self._quick.clear()
            self._quick.add(webhook)
