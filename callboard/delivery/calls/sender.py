"""Sends a call and tells what came of it. Whatever happens, that is an Outcome."""

import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic

import aiohttp

from callboard.delivery.calls.deadlines import Deadlines
from callboard.delivery.calls.request import Call
from callboard.egress.failures import Unreadable, explain
from callboard.egress.policy import EgressPolicy
from callboard.egress.pool import Marks
from callboard.egress.resolver import Lookup
from callboard.egress.transport import GuardedTransport
from callboard.outcome import ErrorClass, Outcome

BODY_CAP = 64 * 1024
HEADERS_CAP = 100
HEADER_BYTES_CAP = 16 * 1024

log = logging.getLogger(__name__)


class Sender:
    def __init__(self, transport: GuardedTransport) -> None:
        self._transport = transport
        self._deadlines = Deadlines()

    async def send(self, call: Call, tls: ssl.SSLContext | None = None) -> Outcome:
        """Raises nothing but CancelledError; takes at most `call.timeout` seconds
        and a blink.

        `tls` brings the webhook's client certificate.
        """
        reading = _Reading()
        try:
            with self._deadlines.within(call.timeout):
                response = await self._transport.exchange(
                    call.method,
                    call.url,
                    call.headers,
                    call.body,
                    tls=tls,
                    marks=reading.marks,
                )
                await reading.read(response)
        except Exception as error:  # noqa: BLE001  receivers choose
            return reading.failed(error)
        finally:
            reading.release()
        return reading.outcome()


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

    async def read(self, response: aiohttp.ClientResponse) -> None:
        self.answered = monotonic()
        self.response = response
        if not 200 <= response.status <= 599:
            raise Unreadable("The answer's status is none that we understand.")
        content = response.content
        while not content.at_eof():
            self.body += await content.readany()
            if len(self.body) > BODY_CAP:
                self.body = self.body[:BODY_CAP]
                self.truncated = True
                return

    def release(self) -> None:
        if self.response is not None and not self.response.closed:
            self.response.close()

    def failed(self, error: Exception) -> Outcome:
        failure = explain(error)
        if failure is None:
            log.error("call.failed", exc_info=error)
            failure = ErrorClass.PROTOCOL, "The call failed inside Callboard."
        return self.outcome(*failure)

    def outcome(self, error: ErrorClass | None = None, detail: str = "") -> Outcome:
        now = monotonic()
        answer = self.response
        return Outcome(
            status=None if answer is None else answer.status,
            error=error,
            detail=detail,
            headers=() if answer is None else _kept(answer.raw_headers),
            body=self.body,
            truncated=self.truncated,
            phases_ms=self._phases(now),
            seconds=now - self.start,
        )

    def _phases(self, now: float) -> dict[str, float | None]:
        marks, answered = self.marks, self.answered
        return {
            "name": _ms(marks.asked, marks.named),
            "connect": _ms(marks.connecting, marks.connected),
            "tls": _ms(marks.connected, marks.secured),
            "first_byte": _ms(marks.secured or marks.connected or self.start, answered),
            "body": _ms(answered, now),
        }


def _ms(begun: float, done: float) -> float | None:
    return round((done - begun) * 1000, 2) if begun and done else None


def _kept(raw: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    size = sum([len(name) + len(value) for name, value in raw])
    if len(raw) > HEADERS_CAP or size > HEADER_BYTES_CAP:
        raw = tuple(_within_caps(raw))
    return tuple(
        [
            (name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
            for name, value in raw
        ]
    )


def _within_caps(
    raw: tuple[tuple[bytes, bytes], ...],
) -> Iterator[tuple[bytes, bytes]]:
    left = HEADER_BYTES_CAP
    for header in raw[:HEADERS_CAP]:
        left -= len(header[0]) + len(header[1])
        if left < 0:
            return
        yield header
