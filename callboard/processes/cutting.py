"""The end of a process that was asked to end, and that something keeps from it.

A server that stands still never answers, and its driver waits for the answer even when
it is cancelled. Then nothing is left to be done in order: what was accepted is on disk,
and what was leased is free again when others see that its worker has ended.
"""

import os
from collections.abc import Callable
from functools import partial
from threading import Timer


def end_within(seconds: float, tell: Callable[[], None]) -> Timer:
    """From now. `tell` is called only if it comes to that: then nothing else ends in
    order."""
    return after(seconds, partial(_end, tell))


def after(seconds: float, act: Callable[[], None]) -> Timer:
    """Unless it is cancelled. A thread's, which no event loop can delay or forget."""
    timer = Timer(seconds, act)
    timer.daemon = True
    timer.start()
    return timer


def _end(tell: Callable[[], None]) -> None:
    tell()
    os._exit(1)
