"""Sends a call and tells what came of it. Whatever happens, that is an Outcome."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic

import aiohttp

from callboard.delivery.request import Call
from callboard.egress.failures import explain
from callboard.egress.policy import EgressPolicy
from callboard.egress.resolver import Lookup
from callboard.egress.transport import GuardedTransport, Marks
from callboard.outcome import ErrorClass, Outcome

BODY_CAP = 64 * 1024
HEADERS_CAP = 100
HEADER_BYTES_CAP = 16 * 1024

log = logging.getLogger(__name__)


class Sender:
    def __init__(self, transport: GuardedTransport) -> None:
        self._transport = transport

    async def send(self, call: Call, tls: ssl.SSLContext | None = None) -> Outcome:
        """Never raises but for CancelledError; takes at most `call.timeout` seconds."""
        reading = _Reading()
        try:
            async with asyncio.timeout(call.timeout):
                await self._exchange(call, tls, reading)
        except Exception as error:  # noqa: BLE001  the receiver chooses what happens
            return reading.failed(error)
        finally:
            reading.release()
        return reading.outcome()

    async def _exchange(
        self, call: Call, tls: ssl.SSLContext | None, reading: "_Reading"
    ) -> None:
        reading.response = await self._transport.exchange(
            call.method,
            call.url,
            call.headers,
            call.body,
            tls=tls,
            marks=reading.marks,
        )
        reading.answered = monotonic()
        await reading.read_body()


@asynccontextmanager
async def open_sender(
    policy: EgressPolicy,
    *,
    lookup: Lookup | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Sender]:
    """`lookup` stands in for the name servers, `tls` for the system's authorities."""
    transport = GuardedTransport(policy, lookup=lookup, tls=tls)
    try:
        yield Sender(transport)
    finally:
        await transport.aclose()


class _Reading:
    """What has been read of one answer so far."""

    __slots__ = ("answered", "body", "marks", "response", "start", "truncated")

    def __init__(self) -> None:
        self.start = monotonic()
        self.marks = Marks()
        self.response: aiohttp.ClientResponse | None = None
        self.answered = 0.0
        self.body = b""
        self.truncated = False

    async def read_body(self) -> None:
        assert self.response is not None
        content = self.response.content
        while not content.at_eof() and not self.truncated:
            self.body += await content.readany()
            self.truncated = len(self.body) > BODY_CAP
        self.body = self.body[:BODY_CAP]

    def release(self) -> None:
        if self.response is not None and not self.response.closed:
            self.response.close()

    def outcome(self, error: ErrorClass | None = None, detail: str = "") -> Outcome:
        now = monotonic()
        response = self.response
        if response is None:
            return Outcome(
                error=error,
                detail=detail,
                phases_ms=self._phases(now),
                seconds=now - self.start,
            )
        return Outcome(
            status=response.status,
            error=error,
            detail=detail,
            headers=tuple(_kept_headers(response.raw_headers)),
            body=self.body,
            truncated=self.truncated,
            phases_ms=self._phases(now),
            seconds=now - self.start,
        )

    def failed(self, error: Exception) -> Outcome:
        failure = explain(error)
        if failure is None:
            log.error("call.failed", exc_info=error)
            failure = ErrorClass.PROTOCOL, "The call failed inside Callboard."
        return self.outcome(*failure)

    def _phases(self, now: float) -> dict[str, float | None]:
        marks, answered = self.marks, self.answered
        ready = marks.secured or self.start
        secure = self.response is not None and self.response.url.scheme == "https"
        return {
            "name": _ms(marks.asked, marks.named),
            "connect": _ms(marks.connecting, marks.connected),
            "tls": _ms(marks.connected, marks.secured) if secure else None,
            "first_byte": _ms(ready, answered),
            "body": _ms(answered, now),
        }


def _kept_headers(
    raw: tuple[tuple[bytes, bytes], ...],
) -> Iterator[tuple[str, str]]:
    left = HEADER_BYTES_CAP
    for name, value in raw[:HEADERS_CAP]:
        left -= len(name) + len(value)
        if left < 0:
            return
        yield _text(name), _text(value)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def _ms(begun: float, done: float) -> float | None:
    return round((done - begun) * 1000, 2) if begun and done else None
