"""What arq runs: it wakes the pump, sends mails and takes replays further, in steps.

What there is to do, and who does it, stands in our rows: a job may run twice, or not at
all. What is overdue, for Redis is away or a worker was killed, is done without arq.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from callboard.database import AWAY
from callboard.dispatch import Pump
from callboard.notices.postman import Postman
from callboard.queue import POST, REPLAY, Queue
from callboard.replays import running

SECONDS = 30.0  # longer than a mail takes
_OVERDUE = timedelta(seconds=0.5)
# A step of a replay that is so late is taken by no job, and the next one will be due.
_MISSED = timedelta(seconds=0.1)
_STEP_SECONDS = 0.2

T = TypeVar("T")

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
    _in_place: "dict[str, asyncio.Task[None]]" = field(default_factory=dict)

    async def wake(self, ctx: object = None) -> None:
        self.pump.ring()

    async def post(self, ctx: object = None) -> None:
        await self._alone(POST, self._post)

    async def replay(self, ctx: object = None) -> None:
        await self._alone(REPLAY, self._replay)

    async def catch_up(self) -> None:
        """Begins to do what no job has done in time."""
        late = self.clock() - _OVERDUE
        if _is_before(await running.next_due(), late):
            self._instead(REPLAY, self._replay_on)
        if _is_before(await self.postman.next_due(), late):
            self._instead(POST, self.post)

    async def stop(self) -> None:
        tasks = list(self._in_place.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _instead(
        self, name: str, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        if name not in self._in_place:
            self._in_place[name] = task = asyncio.create_task(work())
            task.add_done_callback(lambda _: self._in_place.pop(name))

    async def _replay_on(self) -> None:
        """Step by step, for as long as no job does it."""
        while await self._alone(REPLAY, self._replay_what_was_missed):  # noqa: ASYNC110  it works
            await asyncio.sleep(_STEP_SECONDS)

    async def _alone(self, name: str, work: Callable[[], Awaitable[T]]) -> T | None:
        """None where it is under way already, or could not be done."""
        if name in self._under_way:
            return None
        self._under_way.add(name)
        try:
            async with asyncio.timeout(SECONDS):
                return await work()
        except AWAY:
            log.warning("job.database_away", extra={"job": name})
            return None
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

    async def _replay_what_was_missed(self) -> bool:
        """Whether there was any."""
        if not _is_before(await running.next_due(), self.clock() - _MISSED):
            return False
        await self._replay()
        return True

    def _seconds_until(self, at: datetime) -> float:
        return max((at - self.clock()).total_seconds(), 0.0)


def _is_before(due: datetime | None, at: datetime) -> bool:
    return due is not None and due < at
