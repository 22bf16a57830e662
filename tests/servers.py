"""Real servers for tests and benchmarks: PostgreSQL, Redis, a browser.

Run as a program it prints the Debian packages that this machine lacks; with the
argument `languages`, those that tests can do without.
"""

import asyncio
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from callboard.processes import embedded

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STARTS_WITHIN = 30.0
_chance = random.SystemRandom()


@contextmanager
def running_redis() -> Iterator[str]:
    """A Redis server of its own; yields its unix:// URL."""
    with restartable_redis() as redis:
        yield redis.url


@contextmanager
def restartable_redis() -> Iterator["Redis"]:
    with tempfile.TemporaryDirectory(prefix="callboard-redis-") as directory:
        redis = Redis(Path(directory))
        redis.start()
        try:
            yield redis
        finally:
            redis.stop()


@dataclass
class Redis:
    """Comes back at the same address with what it had."""

    directory: Path
    url: str = ""
    _server: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        running = embedded.running_redis(self.directory, [])
        _, self.url = self._server.enter_context(running)

    def stop(self) -> None:
        self._server.close()


@contextmanager
def running_postgres(fsync: bool = False) -> Iterator[str]:
    """A PostgreSQL cluster of its own; yields the URL of its database `postgres`.

    The cluster's owner is the user in the URL and may create databases.
    """
    with restartable_postgres(fsync) as postgres:
        yield postgres.url


@contextmanager
def restartable_postgres(fsync: bool) -> Iterator["Postgres"]:
    owner = _owner()
    with tempfile.TemporaryDirectory(prefix="callboard-pg-", dir="/tmp") as directory:
        if owner:
            os.chown(directory, owner.pw_uid, owner.pw_gid)
        data = Path(directory) / "data"
        _make_cluster(data, owner)
        postgres = Postgres(data, free_port(), owner, fsync)
        postgres.start()
        try:
            postgres.wait()
            yield postgres
        finally:
            postgres.stop()


@dataclass
class Postgres:
    """Comes back on the same port with what it had."""

    data: Path
    port: int
    owner: pwd.struct_passwd | None
    fsync: bool
    _server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgres://callboard@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._server = _start_cluster(
            self.data, self.port, self.owner, fsync=self.fsync
        )

    def wait(self) -> None:
        """Until it takes connections."""
        assert self._server
        _wait_for(self._server, self.port)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT, a fast shutdown, does not wait for clients; SIGQUIT is a crash."""
        assert self._server
        self._server.send_signal(how)
        self._server.wait()


def make_database(url: str, name: str) -> str:
    """A new, empty database in the cluster that `url` leads to; returns its URL."""
    asyncio.run(_execute(url, f'CREATE DATABASE "{name}" TEMPLATE template0'))
    return url.rsplit("/", 1)[0] + f"/{name}"


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def chromium_path() -> str:
    if found := _chromium():
        return found
    raise FileNotFoundError("There is no Chromium here; install chromium.")


def faketime_library() -> Path | None:
    """Loaded before a program it tells it another time."""
    found = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return next(found, None)


def free_port() -> int:
    """None of those that the kernel gives to outgoing connections: what runs beside
    us could take one of them before our server does. Nor by `random`, which every test
    begins anew with the suite's seed: a suite of the same seed beside ours would try
    the same ports at the same time."""
    while True:
        port = _chance.randint(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def missing_packages() -> list[str]:
    wanted = {
        "postgresql": _postgres_bin(),
        "chromium": _chromium(),
        "faketime": faketime_library(),
    }
    return [package for package, found in wanted.items() if not found]


def missing_languages() -> list[str]:
    """Without these the code for receivers is not run in all its languages."""
    wanted = {"php-cli": "php", "nodejs": "node", "mono-mcs": "mcs", "ruby": "ruby"}
    return [package for package, name in wanted.items() if not shutil.which(name)]


def _chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next((path for name in CHROMIUMS if (path := shutil.which(name))), None)


def _postgres_bin() -> Path | None:
    """Debian keeps the server's programs, by version, off the PATH."""
    homes = Path("/usr/lib/postgresql").glob("*/bin")
    newest = sorted(homes, key=lambda home: float(home.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    candidates = [*newest, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((home for home in candidates if (home / "initdb").exists()), None)


def _owner() -> pwd.struct_passwd | None:
    """Who runs the server: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _program(name: str, owner: pwd.struct_passwd | None) -> list[str]:
    """As its owner, and ended with us by the kernel."""
    home = _postgres_bin()
    assert home, "PostgreSQL is not installed"
    tie = ["setpriv", "--pdeathsig", "INT"]
    if owner:
        ids = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        tie += ids
    return [*tie, str(home / name)]


def _make_cluster(data: Path, owner: pwd.struct_passwd | None) -> None:
    options = ["--username=callboard", "--auth=trust", "--encoding=UTF8"]
    options += ["--locale=C.UTF-8", "--no-sync", "--pgdata", str(data)]
    made = subprocess.run(
        [*_program("initdb", owner), *options],
        cwd=data.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


def _start_cluster(
    data: Path, port: int, owner: pwd.struct_passwd | None, *, fsync: bool
) -> subprocess.Popen[bytes]:
    on_disk = "on" if fsync else "off"
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(data.parent),
        "max_connections": "200",
        "fsync": on_disk,
        "synchronous_commit": on_disk,
        "full_page_writes": on_disk,
    }
    command = [*_program("postgres", owner), "-D", str(data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (data.parent / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=data.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    home = _postgres_bin()
    assert home
    ready = [str(home / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    deadline = time.monotonic() + STARTS_WITHIN
    while subprocess.run(ready, check=False).returncode:
        assert server.poll() is None, "PostgreSQL ended while it started"
        assert time.monotonic() < deadline, "PostgreSQL does not answer"
        time.sleep(0.05)


if __name__ == "__main__":
    found = missing_languages() if "languages" in sys.argv else missing_packages()
    print(" ".join(found))  # noqa: T201
