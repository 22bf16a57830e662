"""The tasks that make a worker's calls."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from callboard.delivery.flights import Flight

_AT_ONCE = 32  # calls that begin in one turn of the loop


@dataclass(slots=True)
class Crew:
    """`fly` makes one call. A task is dearer than to wait for the next flight, so each
    makes one call after another. `prepare` comes before it, of several flights in a
    row: between other work it would take twice as long.
    """

    prepare: Callable[[Flight], None]
    fly: Callable[[Flight], Coroutine[Any, Any, None]]
    _boarded: deque[Flight] = field(default_factory=deque)
    _taking_off: asyncio.Handle | None = None
    _idle: list[asyncio.Future[Flight]] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _stopping: bool = False

    def start(self, flights: Iterable[Flight]) -> None:
        self._boarded += flights
        if self._boarded and self._taking_off is None:
            self._taking_off = asyncio.get_running_loop().call_soon(self._take_off)

    async def stop(self, grace: float) -> None:
        """What has boarded is called too; what has not ended by then is cut off."""
        self._stopping = True
        while self._boarded:
            self._take_off()
        for following in self._idle:
            following.cancel()
        tasks = list(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for task in tasks:
            task.cancel()

    def _take_off(self) -> None:
        """A few in each turn of the loop: a burst would keep it from the database's
        answers, on which the next calls depend, and from everybody else."""
        self._taking_off = None
        try:
            for _ in range(min(len(self._boarded), _AT_ONCE)):
                flight = self._boarded.popleft()
                self.prepare(flight)
                self._send_off(flight)
        finally:
            self.start(())

    def _send_off(self, flight: Flight) -> None:
        if self._idle:
            self._idle.pop().set_result(flight)
            return
        task = asyncio.create_task(self._fly_on(flight))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fly_on(self, flight: Flight) -> None:
        await self.fly(flight)
        loop = asyncio.get_running_loop()
        while not self._stopping:
            following: asyncio.Future[Flight] = loop.create_future()
            self._idle.append(following)
            await self.fly(await following)
