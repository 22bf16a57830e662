"""When a worker looks at the database again."""

import asyncio
from time import monotonic

# Seconds between two looks: while there is traffic, while it was rung lately, alone.
_BUSY, _RUNG, ALONE = 0.005, 0.02, 1.0
_KEEPS_LOOKING = 0.25


class Rhythm:
    """It looks when it is rung, keeps looking for a while after, looks by itself once a
    second, and sooner where it knows of something that falls due."""

    def __init__(self) -> None:
        self._stirred = asyncio.Event()
        self._begun = 0.0
        self._rung_at = 0.0
        self._next_at: float | None = None

    def ring(self) -> None:
        """Something may be due, and more of it may be coming."""
        self._rung_at = monotonic()
        self._stirred.set()

    def stir(self) -> None:
        """A call has ended, or all is to end."""
        self._stirred.set()

    def begin(self) -> None:
        """What rings from now on asks for another look."""
        self._begun = monotonic()
        self._stirred.clear()

    def found(self) -> None:
        """Where something was there may be more."""
        self._rung_at = monotonic()
        self._next_at = None

    def found_nothing(self, seconds: float | None) -> None:
        """`seconds`: until something is due; None where nobody knows."""
        self._next_at = None if seconds is None else monotonic() + seconds

    def goes_on(self, seconds: float) -> bool:
        """Whether it keeps looking for so long."""
        return monotonic() - self._rung_at < _KEEPS_LOOKING - seconds

    async def rest(self) -> None:
        """Under load, calls that end close together share the next look."""
        await asyncio.sleep(max(self._begun + _BUSY - monotonic(), 0))
        try:
            async with asyncio.timeout(self._patience()):
                await self._stirred.wait()
        except TimeoutError:
            return

    def _patience(self) -> float:
        now = monotonic()
        if self.goes_on(0):
            return _RUNG
        if self._next_at is None:
            return ALONE
        return min(max(self._next_at - now, _RUNG), ALONE)
