"""How bytes come and go: `web.wire` beneath a server of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn

from tests.servers import free_port
from web.wire import OnePieceProtocol

Send = Callable[[dict[str, Any]], Awaitable[None]]

PART = b"x" * 50_000


class Streaming:
    """An application whose answer has so many parts."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self.sent = 0

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while self.sent < self.parts:
            await send({"type": "http.response.body", "body": PART, "more_body": True})
            self.sent += 1
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """Its port."""
    port = free_port()
    config = uvicorn.Config(
        app,
        port=port,
        http=OnePieceProtocol,  # type: ignore[arg-type]  # as in web.__main__
        lifespan="off",
        log_config=None,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  it tells nobody
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = server.force_exit = True
        await running


async def test_all_of_a_streamed_answer_arrives():
    app = Streaming(40)
    async with served(app) as port, httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/")
    assert answer.content == PART * 40


async def test_who_does_not_read_stops_the_sender():
    """The rest of the answer is not put by for it in our memory. Unhindered, all would
    be sent in one turn of the loop."""
    app = Streaming(2_000)
    async with served(app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while not app.sent:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0)
        assert app.sent < 1_000
        writer.close()


class Late:
    """An application that looks at the body when it is told to."""

    def __init__(self) -> None:
        self.called, self.look = asyncio.Event(), asyncio.Event()
        self.chunks: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        self.called.set()
        await self.look.wait()
        more = True
        while more:
            message = await receive()
            self.chunks.append(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def test_of_a_body_no_more_is_read_than_was_asked_for():
    app, body = Late(), b"x" * 1_000_000
    async with served(app) as port, httpx.AsyncClient() as client:
        sending = asyncio.create_task(
            client.post(f"http://127.0.0.1:{port}/", content=body)
        )
        await app.called.wait()
        app.look.set()
        assert (await sending).status_code == 204
    assert b"".join(app.chunks) == body
    assert max(map(len, app.chunks)) <= 32 * 1024


async def refuse(scope: Any, receive: Any, send: Send) -> None:
    """An application that has no use for the body."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_after_a_body_that_nobody_reads_the_connection_is_good():
    """It comes after the answer, as that of a large event while the database is away.
    The connection is then used for the next event."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40000\r\n\r\n"
    async with served(refuse) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 204")
            writer.write(b"x" * 40_000)
        writer.close()
