"""From which lanes a worker claims when it looks."""

from dataclasses import dataclass, field

from callboard.delivery.flights import Flights
from callboard.delivery.states import Lane

_OTHERS = 0.05  # seconds between two looks at all lanes under load


@dataclass(slots=True)
class Lanes:
    """`flights`: the calls of the same worker. `_more_waits`: a claim took from it all
    that it had room for."""

    flights: Flights
    _others_at: float = 0.0
    _more_waits: dict[Lane, bool] = field(default_factory=dict)

    def due(self, at: float) -> list[Lane]:
        """Under load the others are looked at less often than express, or when half of
        the room is free again for what waits in them."""
        if self.flights and at - self._others_at < _OTHERS:
            return [lane for lane in Lane if lane is Lane.EXPRESS or self._waits(lane)]
        self._others_at = at
        return list(Lane)

    def claimed(self, lane: Lane, more_waits: bool) -> None:
        self._more_waits[lane] = more_waits

    def _waits(self, lane: Lane) -> bool:
        return self._more_waits.get(lane, False) and self.flights.is_half_free(lane)
