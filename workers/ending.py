"""A worker is asked to end, and from then on has only so much time."""

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from callboard.processes.cutting import end_within

# Platforms kill after 30 seconds. What is in flight after GRACE is cut off, so that
# there is time to record what came of it; otherwise it would be sent twice.
GRACE = 22.0
_MOST = 26.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Ending:
    unrecorded: Callable[[], int]
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ask)

    def ask(self) -> None:
        if not self.asked.is_set():
            self.asked.set()
            end_within(_MOST, self._tell)

    def _tell(self) -> None:
        """What was called without a record is another worker's by its lease, which may
        call it again."""
        log.error("worker.cut_off", extra={"unrecorded": self.unrecorded()})
