from collections.abc import Callable
from datetime import datetime, timedelta

from callboard.database import Clock


class ToldClock(Clock):
    """Stands still until it is told another time."""

    def __init__(self, told: Callable[[], datetime]) -> None:
        self._told = told

    def __call__(self) -> datetime:
        return self._told()


class SkippingClock(Clock):
    """Goes as another one does, and lets time pass when a test would have to wait."""

    def __init__(self, real: Clock) -> None:
        self._real = real
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return self._real() + self._ahead

    def skip(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
