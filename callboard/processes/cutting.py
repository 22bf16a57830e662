"""The end of a process that was asked to end, and that something keeps from it.

A server that stands still never answers, and its driver waits for the answer even when
it is cancelled. Then nothing is left to be done in order: what was accepted is on disk,
and what was leased is free again when others see that its worker has ended.
"""

import os
from collections.abc import Callable
from threading import Timer


def end_within(seconds: float, tell: Callable[[], None]) -> None:
    """From now. `tell` is called only if it comes to that: then nothing else ends in
    order. A thread's timer, which no event loop can delay or forget."""
    timer = Timer(seconds, _end, [tell])
    timer.daemon = True
    timer.start()


def _end(tell: Callable[[], None]) -> None:
    tell()
    os._exit(1)
