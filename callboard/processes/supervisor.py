"""Children that run together and end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from callboard.processes.cutting import end_within

LOOK_EVERY = 0.1
# A worker lets calls in flight end for up to 22 s, and records what came of them: its
# children end by themselves within 26 s, and platforms kill us all after 30 s.
PATIENCE = 28.0
_MOST = 29.0
TIED = Path(__file__).with_name("tied.py")


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]


def start(
    name: str,
    command: Sequence[str],
    environ: Mapping[str, str],
    keep_open: Sequence[int] = (),
) -> Child:
    """The child gets SIGTERM when we end, also by `kill -9`.

    It has a session of its own: a Ctrl-C reaches us alone, and we end it in order.
    """
    tie = [sys.executable, "-I", "-S", str(TIED), str(os.getpid())]
    process = subprocess.Popen(  # noqa: S603  the command is our own
        [*tie, *command],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=keep_open,
    )
    return Child(name, process)


@contextmanager
def asked_to_end() -> Iterator[list[int]]:
    """The signals that asked us to end, in the order they came. Soon after the first
    we do, also where a database stands still that we are asking."""
    asked: list[int] = []

    def note(number: int, _: object) -> None:
        if not asked:
            end_within(_MOST, _tell)
        asked.append(number)

    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
        wanted.append(signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in wanted}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell() -> None:
    click.echo("Callboard was kept from ending in order.", err=True)


def ended(children: Sequence[Child]) -> Child | None:
    return next((c for c in children if c.process.poll() is not None), None)


def wait_for_end(children: Sequence[Child], asked: list[int]) -> Child | None:
    """The first child that ends by itself, or None once we are asked to end."""
    while not asked:
        if child := ended(children):
            return child
        time.sleep(LOOK_EVERY)
    return None


def end(children: Sequence[Child], asked: list[int]) -> None:
    """SIGTERM, patience, SIGKILL. A second Ctrl-C kills at once.

    A child that was killed may have left children: they end with its group.
    """
    for child in children:
        child.process.terminate()
    deadline = time.monotonic() + PATIENCE
    while any(c.process.poll() is None for c in children):
        # `make` passes a SIGTERM on that we may have got already: it is no hurry.
        if time.monotonic() > deadline or signal.SIGINT in asked[1:]:
            for child in children:
                child.process.kill()
        time.sleep(LOOK_EVERY / 5)
    for child in children:
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)


def how_it_ended(child: Child) -> str:
    code = child.process.returncode
    if code < 0:
        return f"{child.name} was ended by {signal.Signals(-code).name}"
    return f"{child.name} ended with exit code {code}"
