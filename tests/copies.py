"""Copies of `callboard up`, each a process with children."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import free_port, make_database

READY = "Ctrl-C ends it"
ROOT = Path(__file__).parent.parent
CLEAN = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@dataclass
class Run:
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    environ: dict[str, str]

    @property
    def directory(self) -> Path:
        return self.log.parent

    def output(self) -> str:
        return self.log.read_text()

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.output()
        return READY in self.output()

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(p) for p in proc(f"{pid}/task/{pid}/children").split()]

    def child(self, command: str) -> int:
        (found,) = [p for p in self.children() if command in proc(f"{p}/cmdline")]
        return found


def proc(path: str) -> str:
    try:
        return Path("/proc", path).read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_alive(pid: int) -> bool:
    """Nobody may be there to reap an orphan: a zombie has ended."""
    return bool(re.search(r"^State:\s+[^ZX]", proc(f"{pid}/status"), re.MULTILINE))


def eventually(met: Callable[[], bool], within: float = 30) -> None:
    deadline = time.monotonic() + within
    while not met():
        assert time.monotonic() < deadline, met
        time.sleep(0.05)


def status(port: int) -> int | None:
    try:
        address = f"http://127.0.0.1:{port}/healthz"
        with urllib.request.urlopen(address, timeout=30) as answer:
            return int(answer.status)
    except OSError:
        return None


def new_database() -> dict[str, str]:
    """What makes `up` use the engine under test: nothing for SQLite."""
    if os.environ.get("TEST_ENGINE", "sqlite") == "sqlite":
        return {}
    url = make_database(os.environ["DATABASE_URL"], f"up{time.monotonic_ns()}")
    return {"DATABASE_URL": url}


def start_up(directory: Path, port: int, verb: str = "up", **environ: str) -> Run:
    directory.mkdir(exist_ok=True)
    log = directory / f"{time.monotonic_ns()}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "callboard", verb],
            cwd=directory,
            env={**CLEAN, "PORT": str(port), **environ},
            stdout=file,
            stderr=file,
        )
    return Run(process, port, log, environ)


@contextmanager
def running(directory: Path, port: int = 0, **environ: str) -> Iterator[Run]:
    run = start_up(directory, port or free_port(), **environ)
    try:
        eventually(run.is_ready)
        yield run
    finally:
        run.process.terminate()
        run.process.wait(timeout=40)


def refused(directory: Path, port: int, **environ: str) -> str:
    run = start_up(directory, port, **environ)
    assert run.process.wait(timeout=30) == 1
    return run.output()
