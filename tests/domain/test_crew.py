"""The tasks that make the calls, seen from a flight."""

import asyncio

from callboard.delivery.crew import Crew
from callboard.delivery.flights import Flight
from callboard.delivery.states import Lane
from tests.domain.test_flights import claimed, to


async def test_one_that_cannot_be_prepared_keeps_no_other_on_the_ground():
    broken, whole = (Flight(claimed(n), to("a"), Lane.EXPRESS) for n in (1, 2))
    flown: asyncio.Queue[Flight] = asyncio.Queue()

    def prepare(flight: Flight) -> None:
        if flight is broken:
            raise ValueError

    crew = Crew(prepare, flown.put)
    crew.start([broken, whole])
    async with asyncio.timeout(5):
        assert await flown.get() is whole
    await crew.stop(1)


async def test_what_has_boarded_before_it_stops_is_called_too():
    flown = list[Flight]()

    async def fly(flight: Flight) -> None:
        flown.append(flight)

    flights = [Flight(claimed(n), to("a"), Lane.EXPRESS) for n in range(40)]
    crew = Crew(lambda _: None, fly)
    crew.start(flights)
    await crew.stop(1)
    assert flown == flights
