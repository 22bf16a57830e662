"""One installation with everything doubled, whose parts the tests kill and stop."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from callboard.processes import supervisor
from tests.servers import (
    Postgres,
    Redis,
    free_port,
    restartable_postgres,
    restartable_redis,
)

HOME = Path(__file__).parent.parent.parent
STARTS_WITHIN = 60.0
RETRY = 3  # seconds
STARTED = {"web": "Uvicorn running", "worker": "worker.started"}

Process = subprocess.Popen[str]


@dataclass
class World:
    directory: Path
    environ: dict[str, str]
    redis: Redis
    postgres: Postgres | None
    web_ports: dict[str, int]
    receiver: Process
    inside: Process
    key: str = ""
    processes: dict[str, Process] = field(default_factory=dict)
    logs: dict[str, Path] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [*self.web_ports, "worker 1", "worker 2"]

    @property
    def workers(self) -> list[str]:
        return ["worker 1", "worker 2"]

    @property
    def sqlite_path(self) -> str:
        return self.environ["DATABASE_URL"].removeprefix("sqlite:///")

    def start(self, name: str, *before: str, **environ: str) -> None:
        """`before`: a command that runs the command that follows it."""
        kind = name.split()[0]
        module = "web" if kind == "web" else "workers"
        port = str(self.web_ports.get(name, 0) or 1)
        log = self.directory / f"{name} {len(self.logs)}.log"
        self.logs[name] = log
        self.processes[name] = _start(
            [*before, sys.executable, "-m", module],
            self.environ | {"PORT": port} | environ,
            log,
        )

    async def started(self, name: str) -> None:
        said = STARTED[name.split()[0]]
        await until(lambda: self._says(name, said), STARTS_WITHIN)

    def worker_id(self, name: str) -> str:
        found = re.search(r"worker\.started worker=(\S+)", self.logs[name].read_text())
        assert found
        return found[1]

    def worker_ids(self, names: Iterable[str]) -> list[str]:
        """Of those among them that live."""
        alive = [n for n in names if self.processes[n].poll() is None]
        return [self.worker_id(name) for name in alive]

    def signal(self, name: str, number: signal.Signals) -> None:
        self.processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    async def kill_worker(self, name: str) -> list[tuple[str, str]]:
        """The event and URL of each delivery that it had in flight: counted while it
        stands still, so that nobody has taken any of them over."""
        self.signal(name, signal.SIGSTOP)
        held = await self.ask("leased", self.worker_id(name))
        self.kill(name)
        return [(event, url) for event, url in held]

    async def end(self, name: str) -> int:
        """As a platform does it before a deploy; the exit code."""
        self.processes[name].terminate()
        return await asyncio.to_thread(self.processes[name].wait, 30)

    async def heal(self) -> None:
        """Whatever the test before has left behind, everything runs."""
        for name in self.names:
            process = self.processes.get(name)
            if process is None or process.poll() is not None:
                self.start(name)
        for name in self.names:
            await self.started(name)

    def complaints(self) -> list[str]:
        """Processes that have ended, and what nobody thought of: it is a traceback."""
        ended = [n for n, p in self.processes.items() if p.poll() is not None]
        return ended + [
            f"{log.stem}: {text[-3000:]}"
            for log in self.directory.glob("*.log")
            if "Traceback" in (text := log.read_text())
        ]

    async def ask(self, *question: str) -> Any:
        return await _ask(self.inside, " ".join(question))

    async def calls_since(self, place: int) -> list[tuple[str, str, float]]:
        """The webhook-id, path and monotonic time of each, in the order they came."""
        return [tuple(call) for call in await _ask(self.receiver, str(place))]

    async def post(self, path: str, body: object, web: str = "web 1") -> Any:
        return await self._call("POST", path, web, json=body)

    async def get(self, path: str) -> Any:
        return await self._call("GET", path)

    async def patch(self, path: str, body: object, web: str = "web 1") -> None:
        await self._call("PATCH", path, web, json=body)

    async def delete(self, path: str, web: str = "web 1") -> None:
        await self._call("DELETE", path, web)

    async def readiness(self, web: str = "web 1") -> Any:
        url = f"http://127.0.0.1:{self.web_ports[web]}/readyz"
        async with httpx.AsyncClient() as client:
            return (await client.get(url)).json()

    async def _call(
        self, method: str, path: str, web: str = "web 1", **more: Any
    ) -> Any:
        url = f"http://127.0.0.1:{self.web_ports[web]}/api/v1{path}"
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx.AsyncClient(headers=headers) as client:
            answer = await client.request(method, url, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def _says(self, name: str, words: str) -> bool:
        text = self.logs[name].read_text()
        assert self.processes[name].poll() is None, text
        return words in text


@contextmanager
def running_world(is_postgres: bool) -> Iterator[World]:
    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="callboard-chaos-")
        directory = Path(stack.enter_context(made))
        redis = stack.enter_context(restartable_redis())
        postgres = None
        if is_postgres:  # a crash must lose nothing, so it writes to disk
            postgres = stack.enter_context(restartable_postgres(fsync=True))
        yield from _world(directory, redis, postgres)


def _world(directory: Path, redis: Redis, postgres: Postgres | None) -> Iterator[World]:
    file = f"sqlite:///{directory}/callboard.sqlite"
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": postgres.url if postgres else file,
        "DATA_DIR": str(directory),
        "REDIS_URL": redis.url,
        "SECRET_KEY": "only for tests: nothing that is here is secret",
        "ALLOW_DESTINATIONS": "127.0.0.0/8",
    }
    receiver = _start(_python("tests.chaos.receiver"), environ)
    inside = _start(_python("tests.chaos.inside"), environ)
    ports = {"web 1": free_port(), "web 2": free_port()}
    world = World(directory, environ, redis, postgres, ports, receiver, inside)
    try:
        yield world
    finally:
        for process in [*world.processes.values(), receiver, inside]:
            process.kill()
            process.communicate()


async def prepare(world: World) -> None:
    """An account with some webhooks: /slow is slow, /again works the second time."""
    assert world.receiver.stdout
    port = int(world.receiver.stdout.readline())
    world.key = await world.ask("key")
    await world.heal()
    for name in ("order.made", "order.paid", "invoice.sent", "invoice.tried"):
        await world.post("/event-types", {"name": name})
    for path, type in (
        ("/quick/1", "order.*"),
        ("/quick/2", "order.paid"),
        ("/slow", "invoice.sent"),
        ("/again", "invoice.tried"),
    ):
        wanted = {"url": f"http://127.0.0.1:{port}{path}", "events": [type]}
        more = {"concurrency": 64, "state": "active", "retry": {"schedule": [RETRY]}}
        await world.post("/webhooks", wanted | more)


async def until(met: Callable[[], bool], within: float) -> None:
    async with asyncio.timeout(within):
        while not met():  # noqa: ASYNC110  nobody tells us
            await asyncio.sleep(0.05)


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _start(
    command: list[str], environ: dict[str, str], log: Path | None = None
) -> Process:
    """It ends with us. Without a log we talk with it."""
    tie = [sys.executable, "-I", "-S", str(supervisor.TIED), str(os.getpid())]
    out = log.open("w") if log else subprocess.PIPE
    try:
        return subprocess.Popen(
            [*tie, *command],
            cwd=HOME,
            env=environ,
            stdin=subprocess.DEVNULL if log else subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT if log else None,
            text=True,
            start_new_session=True,
        )
    finally:
        if log:
            out.close()


async def _ask(process: Process, question: str) -> Any:
    assert process.stdin
    assert process.stdout
    process.stdin.write(question + "\n")
    process.stdin.flush()
    return json.loads(await asyncio.to_thread(process.stdout.readline))
