"""What arq runs: it wakes the pump, sends mails and takes replays further, in steps.

What there is to do, and who does it, stands in our rows: a job may run twice, or not at
all. What is overdue, for Redis is away or a worker was killed, is done without arq.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callboard.database import AWAY
from callboard.dispatch import Pump
from callboard.errors import Unavailable
from callboard.notices.postman import Postman
from callboard.queue import POST, REPLAY, Queue
from callboard.replays import running

SECONDS = 30.0  # longer than a mail takes
_OVERDUE = timedelta(seconds=0.5)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Jobs:
    """Of each kind a process does one at a time: a mail server that does not answer
    must not take the places of all other jobs."""

    pump: Pump
    postman: Postman
    queue: Queue
    clock: Callable[[], datetime]
    _under_way: set[str] = field(default_factory=set)
    _posting: "asyncio.Task[None] | None" = None

    async def wake(self, ctx: object = None) -> None:
        self.pump.ring()

    async def post(self, ctx: object = None) -> None:
        await self._alone(POST, self._post)

    async def replay(self, ctx: object = None) -> None:
        await self._alone(REPLAY, self._replay)

    async def catch_up(self) -> None:
        """Does what no job has done in time."""
        late = self.clock() - _OVERDUE
        if (due := await running.next_due()) and due < late:
            await self.replay()
        if POST in self._under_way:
            return
        if (due := await self.postman.next_due()) and due < late:
            self._posting = asyncio.create_task(self.post())

    async def stop(self) -> None:
        if self._posting:
            self._posting.cancel()
            await asyncio.gather(self._posting, return_exceptions=True)

    async def _alone(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        if name in self._under_way:
            return
        self._under_way.add(name)
        try:
            async with asyncio.timeout(SECONDS):
                await work()
        except (Unavailable, *AWAY):
            log.warning("job.database_away", extra={"job": name})
        finally:
            self._under_way.remove(name)

    async def _post(self) -> None:
        again = await self.postman.send_due()
        if again is not None:
            self.queue.post(self._seconds_until(again))

    async def _replay(self) -> None:
        again = await running.advance(self.clock(), self.pump.bulk_ahead())
        if again is not None:
            self.pump.ring()
            self.queue.replay(self._seconds_until(again))

    def _seconds_until(self, at: datetime) -> float:
        return max((at - self.clock()).total_seconds(), 0.0)
