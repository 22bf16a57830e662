"""One installation with everything doubled, whose parts the tests kill and stop."""

import asyncio
import json
import os
import re
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.chaos.processes import Process, ask, python, start
from tests.servers import (
    Postgres,
    Redis,
    free_port,
    restartable_postgres,
    restartable_redis,
)

STARTS_WITHIN = 60.0
ANSWERS_WITHIN = 30.0
RETRY = 2  # seconds
_PATIENCE = aiohttp.ClientTimeout(total=ANSWERS_WITHIN)
STARTED = {"web": "Uvicorn running", "worker": "worker.started"}


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
    receives: str = ""
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
        self.processes[name] = start(
            [*before, *python(module)],
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
        """What has ended runs again."""
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
        return await ask(self.inside, " ".join(question))

    async def calls_since(self, place: int) -> list[tuple[str, str, float]]:
        """The webhook-id, path and monotonic time of each, in the order they came."""
        return [tuple(call) for call in await ask(self.receiver, str(place))]

    async def whole_calls(self) -> list[tuple[float, str, dict[str, str], str]]:
        """Of /whole: the monotonic time, method, headers and body of each."""
        return [tuple(call) for call in await ask(self.receiver, "whole")]

    async def post(self, path: str, body: object, web: str = "web 1") -> Any:
        return await self._call("POST", path, web, body)

    async def get(self, path: str) -> Any:
        return await self._call("GET", path)

    async def patch(self, path: str, body: object, web: str = "web 1") -> None:
        await self._call("PATCH", path, web, body)

    async def delete(self, path: str, web: str = "web 1") -> None:
        await self._call("DELETE", path, web)

    async def readiness(self, web: str = "web 1") -> Any:
        async with aiohttp.request(
            "GET", f"{self._at(web)}/readyz", timeout=_PATIENCE
        ) as answer:
            return await answer.json()

    async def _call(
        self, method: str, path: str, web: str = "web 1", body: object = None
    ) -> Any:
        url = f"{self._at(web)}/api/v1{path}"
        headers = {"Authorization": f"Bearer {self.key}"}
        async with aiohttp.request(
            method, url, json=body, headers=headers, timeout=_PATIENCE
        ) as answer:
            text = await answer.text()
        assert answer.ok, text
        return json.loads(text) if text else None

    def _at(self, web: str) -> str:
        return f"http://127.0.0.1:{self.web_ports[web]}"

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
    receiver = start(python("tests.chaos.receiver"), environ)
    inside = start(python("tests.chaos.inside"), environ)
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
    world.receives = f"http://127.0.0.1:{int(world.receiver.stdout.readline())}"
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
        wanted = {"url": world.receives + path, "events": [type]}
        more = {"concurrency": 64, "state": "active", "retry": {"schedule": [RETRY]}}
        await world.post("/webhooks", wanted | more)


async def until(met: Callable[[], bool], within: float) -> None:
    async with asyncio.timeout(within):
        while not met():  # noqa: ASYNC110  nobody tells us
            await asyncio.sleep(0.05)
