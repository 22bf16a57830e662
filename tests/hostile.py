"""Receivers that do what none should: what each does, as a function of a socket."""

import asyncio
import socket
import struct
import zlib
from contextlib import asynccontextmanager
from typing import Any

from callboard.delivery.calls.request import Call
from callboard.delivery.calls.sender import open_sender
from callboard.egress.policy import EgressPolicy, parse_destinations
from callboard.outcome import ErrorClass

BUDGET = 0.6
AMPLE = 5.0
LATEST = 3.0  # beyond a budget, where many call at once on two cores
LOOPBACK = EgressPolicy(allow=parse_destinations("127.0.0.0/8"))
OK = b"HTTP/1.1 200 OK\r\n"


@asynccontextmanager
async def receiving(behave, tls=None):
    """A raw server; `behave` gets each connection's reader and writer."""
    tasks = set[Any]()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        try:
            await behave(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def call(port, *, scheme="http", body=b"{}", budget=BUDGET):
    url = f"{scheme}://127.0.0.1:{port}/"
    async with open_sender(LOOPBACK) as sender:
        return await sender.send(Call("POST", url, (), body, budget))


async def outcome_of(behave, **settings):
    async with receiving(behave) as port:
        return await call(port, **settings)


async def take(reader):
    await reader.readuntil(b"\r\n\r\n{}")


def answering(*parts, then="close", pause=0.0):
    """Takes the request, then writes the parts."""

    async def behave(reader, writer):
        await take(reader)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if then == "hang":
            await reader.read()
        if then == "reset":
            await reset(writer)
        writer.close()
        await writer.wait_closed()

    return behave


def repeating(part, *, before=b"", pause=0.0):
    """Takes the request, then writes the same part until nobody listens."""

    async def behave(reader, writer):
        await take(reader)
        writer.write(before)
        await asyncio.sleep(pause)
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


async def reset(writer):
    linger = struct.pack("ii", 1, 0)
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def reset_at_once(reader, writer):
    await reset(writer)


async def close_at_once(reader, writer):
    writer.close()


async def silence(reader, writer):
    await reader.read()
    await reader.read()


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"

TIMEOUT, PROTOCOL = ErrorClass.TIMEOUT, ErrorClass.PROTOCOL
RESET = ErrorClass.RESET

NO_STATUS = {
    "silence": (silence, TIMEOUT),
    "header drip": (repeating(b"x", before=OK + b"X-A: ", pause=0.02), TIMEOUT),
    "status line drip": (repeating(b"1", before=b"HTTP/1.", pause=0.02), PROTOCOL),
    "1xx drip": (repeating(b"HTTP/1.1 103 E\r\n\r\n", pause=0.1), TIMEOUT),
    "1xx flood": (repeating(b"HTTP/1.1 103 E\r\n\r\n" * 900), PROTOCOL),
    "100 flood": (repeating(b"HTTP/1.1 100 C\r\n\r\n" * 900), PROTOCOL),
    "endless headers": (repeating(b"X-A: 1\r\n" * 500, before=OK), PROTOCOL),
    "endless header": (repeating(b"x" * 9999, before=OK + b"X-A: "), PROTOCOL),
    "endless reason": (repeating(b"x" * 9999, before=b"HTTP/1.1 200 "), PROTOCOL),
    "200 KB header": (
        answering(OK, b"X-A: " + b"x" * 200_000 + b"\r\n", LENGTH % 0),
        PROTOCOL,
    ),
    "5000 headers": (answering(OK, b"X-A: 1\r\n" * 5000, LENGTH % 0), PROTOCOL),
    "Content-Length -1": (answering(OK, LENGTH % -1), PROTOCOL),
    "Content-Length twice": (
        answering(OK, b"Content-Length: 1\r\n", LENGTH % 2, b"ab"),
        PROTOCOL,
    ),
    "Content-Length twice the same": (
        answering(OK, b"Content-Length: 2\r\n", LENGTH % 2, b"ok"),
        PROTOCOL,
    ),
    "Content-Length and chunked": (
        answering(OK, b"Transfer-Encoding: chunked\r\n", LENGTH % 2, b"ok"),
        PROTOCOL,
    ),
    "Content-Length text": (answering(OK, b"Content-Length: x\r\n\r\n"), PROTOCOL),
    "Content-Length huge": (answering(OK, LENGTH % 10**30), PROTOCOL),
    "more than its length": (answering(OK + LENGTH % 2 + b"ok, more"), PROTOCOL),
    "HTTP/0.9": (answering(b"<html>hello</html>\r\n"), PROTOCOL),
    "HTTP/2": (answering(b"\0\0\x12\4\0\0\0\0\0" + b"\0" * 18), PROTOCOL),
    "TLS on a plain port": (answering(b"\x15\x03\x01\x00\x02\x02\x46"), PROTOCOL),
    "no header colon": (answering(OK, b"nonsense\r\n\r\n"), PROTOCOL),
    "NUL in a header": (answering(OK, b"X-A: a\0b\r\n", LENGTH % 0), PROTOCOL),
    "status in letters": (answering(b"HTTP/1.1 abc OK\r\n\r\n"), PROTOCOL),
    "status of four digits": (answering(b"HTTP/1.1 2000 OK\r\n\r\n"), PROTOCOL),
    "closes at once": (close_at_once, RESET),
    "resets at once": (reset_at_once, RESET),
    "closes after the request": (answering(), RESET),
    "resets after the request": (answering(then="reset"), RESET),
    "closes in the status line": (answering(b"HTTP/1.1 20"), RESET),
    "closes in the headers": (answering(OK, b"X-A: 1\r\n"), RESET),
    "resets in the headers": (answering(OK, b"X-A: 1\r\n", then="reset"), RESET),
}

BROKEN_BODY = {
    "body drip": (repeating(b"x", before=OK + LENGTH % 9999, pause=0.02), TIMEOUT),
    "chunk drip": (repeating(b"1\r\nx\r\n", before=CHUNKED, pause=0.02), TIMEOUT),
    "body never comes": (answering(OK + LENGTH % 5, then="hang"), TIMEOUT),
    "body without end": (answering(OK + b"\r\nabc", then="hang"), TIMEOUT),
    "trailer drip": (
        repeating(b"X-A: 1\r\n", before=CHUNKED + b"0\r\n", pause=0.02),
        TIMEOUT,
    ),
    "endless trailers": (
        repeating(b"X-A: 1\r\n" * 500, before=CHUNKED + b"0\r\n", pause=0.02),
        PROTOCOL,
    ),
    "endless trailer": (
        repeating(b"x" * 9999, before=CHUNKED + b"0\r\nX-A: ", pause=0.02),
        PROTOCOL,
    ),
    "endless chunk extension": (
        repeating(b"x" * 9999, before=CHUNKED + b"1;a="),
        TIMEOUT,
    ),
    "body too short": (answering(OK + LENGTH % 5, b"abc"), RESET),
    "chunk too short": (answering(CHUNKED, b"5\r\nabc"), RESET),
    "no last chunk": (answering(CHUNKED, b"3\r\nabc\r\n"), RESET),
    "bad chunk size": (answering(CHUNKED, b"zz\r\nabc\r\n", pause=0.02), PROTOCOL),
    "resets in the body": (answering(OK + LENGTH % 5, b"abc", then="reset"), RESET),
    "101": (
        answering(b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
        PROTOCOL,
    ),
    "status 000": (answering(b"HTTP/1.1 000 X\r\n", LENGTH % 0), PROTOCOL),
    "status 099": (answering(b"HTTP/1.1 099 X\r\n", LENGTH % 0), PROTOCOL),
    "status 999": (answering(b"HTTP/1.1 999 X\r\n", LENGTH % 0), PROTOCOL),
}

ZEROS = zlib.compress(bytes(20_000_000), 9)
HOSTILE_TEXT = b"<script>\x1b[31m\xe2\x80\xae=cmd()\0\xff"

ANSWERED = {
    "plain": (answering(OK + LENGTH % 2, b"ok"), b"ok"),
    "closes each time": (
        answering(OK + b"Connection: close\r\n" + LENGTH % 2, b"ok"),
        b"ok",
    ),
    "no length": (answering(OK + b"\r\n", b"ok"), b"ok"),
    "HTTP/1.0": (answering(b"HTTP/1.0 200 OK\r\n\r\nok"), b"ok"),
    "resets after the answer": (
        answering(OK + LENGTH % 2 + b"ok", then="reset"),
        b"ok",
    ),
    "a few 1xx": (
        answering(b"HTTP/1.1 103 E\r\n\r\n" * 9, OK + LENGTH % 2, b"ok"),
        b"ok",
    ),
    "obs-fold": (answering(OK + b"X-A: 1\r\n 2\r\n" + LENGTH % 2, b"ok"), b"ok"),
    "trailers": (answering(CHUNKED, b"2\r\nok\r\n0\r\nX-A: 1\r\n\r\n"), b"ok"),
    "one byte at a time": (
        answering(*(OK + LENGTH % 2 + b"ok").partition(b"K"), pause=0.01),
        b"ok",
    ),
    "hostile text": (
        answering(OK + LENGTH % len(HOSTILE_TEXT), HOSTILE_TEXT),
        HOSTILE_TEXT,
    ),
    "hostile reason": (answering(b"HTTP/1.1 200 \xff\0\x1b[1m\r\n", LENGTH % 0), b""),
    "hostile header": (answering(OK + b"X-A: \xff\x1b[1m\r\n", LENGTH % 0), b""),
    "hostile charset": (
        answering(OK + b"Content-Type: a/b; charset=\xffnope\r\n", LENGTH % 2, b"ok"),
        b"ok",
    ),
    "bad gzip": (
        answering(OK + b"Content-Encoding: gzip\r\n", LENGTH % 2, b"ok"),
        b"ok",
    ),
}

# Answers that are whole, and no success: each is one failed attempt without an error.
REFUSED = {
    "refused in hostile text": answering(
        b"HTTP/1.1 500 \xff\x1b[1m\r\n" + LENGTH % len(HOSTILE_TEXT), HOSTILE_TEXT
    ),
    "hostile location": answering(
        b"HTTP/1.1 302 F\r\nLocation: javascript:'\"<b>\x1b[1m\r\n", LENGTH % 0
    ),
    "metadata": answering(
        b"HTTP/1.1 302 F\r\nLocation: http://169.254.169.254/\r\n", LENGTH % 0
    ),
    "itself": answering(b"HTTP/1.1 307 T\r\nLocation: /\r\n", LENGTH % 0),
    **{
        f"Retry-After {value[:12].decode()}": answering(
            b"HTTP/1.1 503 B\r\nRetry-After: " + value + b"\r\n", LENGTH % 0
        )
        for value in (
            *(b"-1", b"1e9", b"NaN", b"x" * 8000),
            b"Thu, 01 Jan 1970 00:00:00 GMT",
        )
    },
}
ENDLESS = {
    "endless body": repeating(b"x" * 65_536, before=OK + b"\r\n"),
    "endless chunks": repeating(b"10000\r\n" + b"x" * 65_536 + b"\r\n", before=CHUNKED),
    "bomb": answering(
        OK + b"Content-Encoding: deflate\r\n" + LENGTH % len(ZEROS), ZEROS
    ),
}
