"""A real HTTP receiver on loopback that answers as it was told and remembers."""

import asyncio
import ssl
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import msgspec

WITHIN = 14.0  # before a call that hangs is cut off by its webhook's usual limit
_REASON = {200: "OK", 404: "Not Found", 410: "Gone", 500: "Internal Server Error"}


@dataclass(frozen=True)
class Answer:
    """`gate`: the answer waits until it opens; `takes`: and so many seconds."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"ok"
    gate: asyncio.Event | None = None
    takes: float = 0.0


OK = Answer()


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def envelope(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def data(self) -> Any:
        return self.envelope["data"]


@dataclass
class Receiver:
    """`usually` answers where no script does; a script's last answer does not stay.

    `clients`: the name in the certificate that each connection showed. `most_in_all`:
    calls at once, whatever their path.
    """

    url: str = ""
    calls: list[Received] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    usually: dict[str, Answer] = field(default_factory=dict)
    most_at_once: Counter[str] = field(default_factory=Counter)
    most_in_all: int = 0
    _scripts: dict[str, deque[Answer]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    _broken: set[str] = field(default_factory=set)
    _at_once: Counter[str] = field(default_factory=Counter)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def script(self, path: str, *answers: Answer | int) -> None:
        self._scripts[path] += [
            Answer(each) if isinstance(each, int) else each for each in answers
        ]

    def close_gate(self, path: str, answer: Answer = OK) -> asyncio.Event:
        """Every call there hangs until the event is set."""
        gate = asyncio.Event()
        self.usually[path] = replace(answer, gate=gate)
        return gate

    def hang_up(self, path: str) -> None:
        """Calls that hang there are broken off when the gate opens."""
        self._broken.add(path)

    def at(self, path: str) -> list[Received]:
        return [call for call in self.calls if call.path == path]

    def hanging(self, path: str) -> int:
        return self._at_once[path]

    async def got(self, count: int, path: str | None = None) -> list[Received]:
        """Waits until so many calls have come."""
        async with asyncio.timeout(WITHIN):
            while len(found := self.calls if path is None else self.at(path)) < count:
                self._stirred.clear()
                await self._stirred.wait()
        return found

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if shown := writer.get_extra_info("peercert"):
            self.clients += [pair[1] for part in shown["subject"] for pair in part]
        try:
            while call := await _read(reader):
                await self._answer(call, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, call: Received, writer: asyncio.StreamWriter) -> None:
        path = call.path
        self.calls.append(call)
        self._at_once[path] += 1
        self.most_at_once[path] = max(self.most_at_once[path], self._at_once[path])
        self.most_in_all = max(self.most_in_all, self._at_once.total())
        self._stirred.set()
        script = self._scripts[path]
        answer = script.popleft() if script else self.usually.get(path, OK)
        try:
            if answer.gate:
                await answer.gate.wait()
            await asyncio.sleep(answer.takes)
        finally:
            self._at_once[path] -= 1
        if path in self._broken:
            raise ConnectionAbortedError
        writer.write(_render(answer))
        await writer.drain()


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    clients: set[asyncio.Task[None]] = set()

    async def serve(r: asyncio.StreamReader, w: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        clients.add(task)
        try:
            await receiver.serve(r, w)
        except asyncio.CancelledError:
            return  # the stream protocol would log it
        finally:
            clients.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1000, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield receiver
    finally:
        server.close()
        for client in list(clients):
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path, headers, body, monotonic())


def _render(answer: Answer) -> bytes:
    reason = _REASON.get(answer.status, "Answer")
    lines = [f"HTTP/1.1 {answer.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines += [f"Content-Length: {len(answer.body)}", "", ""]
    return "\r\n".join(lines).encode() + answer.body
