"""The time limits of many calls, which one timer watches.

`asyncio.timeout` sets a timer for each call and takes it back: 6 µs, here it is 1.
"""

import asyncio
from time import monotonic
from types import TracebackType

STEP = 0.05  # a call may be cut so much late


class Deadlines:
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._limits: set[_Limit] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> "_Limit":
        """`with` it, the current task gets TimeoutError after so many seconds."""
        return _Limit(self, monotonic() + seconds)

    def add(self, limit: "_Limit") -> None:
        self._limits.add(limit)
        if self._timer is None:
            self._wait()

    def remove(self, limit: "_Limit") -> None:
        self._limits.discard(limit)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(STEP, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now = monotonic()
        for limit in [each for each in self._limits if each.ends_at <= now]:
            self._limits.discard(limit)
            limit.expire()
        if self._limits:
            self._wait()


class _Limit:
    """Cancels its task as `asyncio.timeout` does, so that others may cancel it too."""

    __slots__ = ("_all", "_before", "_expired", "_task", "ends_at")

    def __init__(self, all: Deadlines, ends_at: float) -> None:
        self.ends_at = ends_at
        self._all = all
        self._expired = False

    def __enter__(self) -> None:
        # Without the loop it would ask the system which process this is.
        task = asyncio.current_task(self._all.loop)
        assert task is not None, "only a task can be cut off"
        self._task, self._before = task, task.cancelling()
        self._all.add(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._all.remove(self)
        if not self._expired:
            return
        by_us_alone = self._task.uncancel() <= self._before
        if by_us_alone and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        self._expired = True
        self._task.cancel()
