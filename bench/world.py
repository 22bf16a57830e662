"""Starts what a real installation has, each as a process of its own."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from os import environ as inherited
from os import getpid
from pathlib import Path
from typing import Any

from bench.talk import ask, call
from callboard.processes import tied
from callboard.processes.embedded import running_redis
from tests.servers import free_port, make_database, running_postgres

HOME = Path(__file__).parent.parent
WEBHOOK_CONCURRENCY = 256
STARTS_WITHIN = 60.0

Process = subprocess.Popen[bytes]


class BrokenError(Exception):
    """Something that should run does not."""


@dataclass
class Servers:
    """What all worlds of one engine share. `postgres` is None for SQLite."""

    postgres: str | None
    redis_url: str
    pids: dict[str, int]


@dataclass
class World:
    """One empty installation of Callboard, and a sink for it to call."""

    directory: Path
    environ: dict[str, str]
    port: int
    sink: int
    servers: Servers
    key: str = ""
    empty_bytes: int = 0
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def pids(self) -> dict[str, int]:
        own = {name: process.pid for name, process in self.processes.items()}
        return own | self.servers.pids


@contextmanager
def running_servers(engine: str) -> Iterator[Servers]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis, redis_url = stack.enter_context(running_redis(directory, []))
        pids = {"redis": redis.process.pid}
        url = None
        if engine == "postgres":
            url = stack.enter_context(running_postgres(fsync=True))
            pids["postgres"] = _postmaster(url)
        yield Servers(url, redis_url, pids)


def _postmaster(url: str) -> int:
    data = Path(ask(url, "SHOW data_directory"))
    return int((data / "postmaster.pid").read_text().split()[0])


@contextmanager
def running_world(
    servers: Servers, *, worker: bool = True, bare: bool = False
) -> Iterator[World]:
    """`bare`: nothing but the sink."""
    with tempfile.TemporaryDirectory(prefix="callboard-bench-") as directory:
        world = _make_world(servers, Path(directory))
        try:
            start_sink(world)
            if not bare:
                world.key = json.loads(python(world, "bench.inside", "prepare"))
                world.empty_bytes = database_bytes(world)
                start_web(world)
            if worker and not bare:
                start_worker(world)
            yield world
        finally:
            stop(world, *reversed(world.processes))


def _make_world(servers: Servers, directory: Path) -> World:
    port, sink = free_port(), free_port()
    database = f"sqlite:///{directory}/callboard.sqlite"
    if servers.postgres:
        database = make_database(servers.postgres, f"bench{port}")
    environ = {
        "DATABASE_URL": database,
        "REDIS_URL": servers.redis_url,
        "DATA_DIR": str(directory),
        "PORT": str(port),
        "SECRET_KEY": "only for the benchmark: nothing here is secret",
        "ALLOW_DESTINATIONS": "127.0.0.0/8",
    }
    passed = ("PATH", "LANG", "PYTHONPATH", "WEB_CONCURRENCY", "WORKER_CONCURRENCY")
    environ |= {name: inherited[name] for name in passed if name in inherited}
    return World(directory, environ, port, sink, servers)


def start_sink(world: World) -> None:
    _start(world, "sink", "bench.sink", str(world.sink))
    _wait(world, "sink", lambda: call(world.sink, "GET", "/count") is not None)


def start_web(world: World) -> None:
    _start(world, "web", "web")
    _wait(world, "web", lambda: call(world.port, "GET", "/healthz") is not None)


def start_worker(world: World, name: str = "worker") -> None:
    log = world.directory / f"{name}.log"
    _start(world, name, "workers")
    _wait(world, name, lambda: b"worker.started" in log.read_bytes())


def stop(world: World, *names: str) -> None:
    for name in names:
        process = world.processes.pop(name)
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def dead(world: World) -> list[str]:
    """Who has ended though nobody asked, with the last that it said."""
    return [
        f"{name} ended by itself: {_last_words(world, name)}"
        for name, process in world.processes.items()
        if process.poll() is not None
    ]


def python(world: World, module: str, *more: str) -> str:
    """Runs a module to its end with this world's settings; what it printed."""
    done = subprocess.run(  # noqa: S603  the command is our own
        [sys.executable, "-m", module, *more],
        cwd=HOME,
        env=world.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BrokenError("\n".join([done.stderr, *dead(world)]))
    return done.stdout


def api(world: World, method: str, path: str, body: Any = None) -> Any:
    """Callboard's own API, with the key."""
    headers = {"Authorization": f"Bearer {world.key}"}
    text = call(world.port, method, f"/api/v1{path}", json.dumps(body), headers)
    if text is None:
        raise BrokenError(f"{method} {path} was not answered.")
    return json.loads(text)


def add_type(world: World, name: str) -> None:
    made = api(world, "POST", "/event-types", {"name": name})
    if "error" in made:
        raise BrokenError(f"An event type was refused: {made}")


def add_webhook(world: World, path: str, type: str) -> str:
    """Active; its id."""
    wanted = {
        "url": f"http://127.0.0.1:{world.sink}{path}",
        "events": [type],
        "concurrency": WEBHOOK_CONCURRENCY,
        "state": "active",
    }
    made = api(world, "POST", "/webhooks", wanted)
    if "error" in made:
        raise BrokenError(f"A webhook was refused: {made}")
    return str(made["id"])


def database_bytes(world: World) -> int:
    if world.servers.postgres:
        url = world.environ["DATABASE_URL"]
        return int(ask(url, "SELECT pg_database_size(current_database())"))
    return sum(file.stat().st_size for file in world.directory.glob("*.sqlite*"))


def _start(world: World, name: str, module: str, *more: str) -> None:
    """It ends with us, however we end."""
    tie = [sys.executable, "-I", "-S", tied.__file__, str(getpid())]
    with (world.directory / f"{name}.log").open("wb") as log:
        world.processes[name] = subprocess.Popen(  # noqa: S603  the command is our own
            [*tie, sys.executable, "-m", module, *more],
            cwd=HOME,
            env=world.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait(world: World, name: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not ready():
        ended = world.processes[name].poll() is not None
        if ended or time.monotonic() > deadline:
            raise BrokenError(f"{name} did not start: {_last_words(world, name)}")
        time.sleep(0.05)


def _last_words(world: World, name: str) -> str:
    return (world.directory / f"{name}.log").read_text(errors="replace")[-2000:]
