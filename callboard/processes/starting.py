"""The start of a process: it needs the database, which may stand still."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import click

from callboard.processes.cutting import after, end_within

_TOLD_AFTER = 5.0
_MOST = 60.0

log = logging.getLogger(__name__)


@contextmanager
def starting(most: float = _MOST) -> Iterator[Callable[[], None]]:
    """Until the block ends, or what it yields is called. Nothing can be lost yet, so
    whoever asks the process to end ends it at once."""
    with ExitStack() as stack:
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.signal(number, signal.SIG_DFL)
            stack.callback(signal.signal, number, before)
        stack.callback(after(_TOLD_AFTER, _tell_waiting).cancel)
        stack.callback(end_within(most, _tell_end).cancel)
        yield stack.close


@contextmanager
def waiting_aloud() -> Iterator[None]:
    """For whoever looks at a terminal."""
    tell = partial(click.echo, "Waiting for the database.", err=True)
    timer = after(_TOLD_AFTER, tell)
    try:
        yield
    finally:
        timer.cancel()


def _tell_waiting() -> None:
    log.warning("database.silent", extra={"seconds": _TOLD_AFTER})


def _tell_end() -> None:
    click.echo("The database has not answered for a minute.", err=True)
