"""httpx's transport contract over an aiohttp pool that calls only what is allowed.

Three gates: the host as written, every answer of the name servers, and the
address of each new socket. HTTP/1.1 only; a request goes out once or not at all.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from ipaddress import IPv4Address

import aiohttp
import httpx
from multidict import CIMultiDict
from yarl import URL

from callboard.egress.addresses import read_host
from callboard.egress.failures import Refused, Unreadable, Unsendable, explain
from callboard.egress.policy import EgressPolicy
from callboard.egress.pool import Marks, TimedResolver, current_marks, open_session
from callboard.egress.resolver import Lookup
from callboard.egress.sendable import FRAMING, Headers, check_request, read_url
from callboard.outcome import ErrorClass

LARGE_BODY = 512 * 1024


class GuardedTransport(httpx.AsyncBaseTransport):
    """Open it in a running loop, close it with `aclose`."""

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._target = lru_cache(1024)(self._read_target)
        self._tls: ssl.SSLContext | bool = tls or True
        self._resolver = TimedResolver(policy, lookup)
        self._session = open_session(policy, self._resolver)

    async def exchange(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes,
        *,
        tls: ssl.SSLContext | None = None,
        marks: Marks | None = None,
    ) -> aiohttp.ClientResponse:
        """Sends one request and reads the status line and headers of its answer.

        This is the hot path: it spares httpx's request and response objects.
        """
        check_request(method, headers)
        target, host = self._target(url)
        marks = marks or Marks()
        marks.host = host
        current_marks.set(marks)
        return await self._session.request(
            method,
            target,
            headers=CIMultiDict(headers),
            data=_data(body),
            allow_redirects=False,
            ssl=tls or self._tls,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The same for a client of httpx, whose read time-out bounds each wait."""
        patience = request.extensions.get("timeout", {}).get("read")
        headers = [(k.decode(), v.decode("latin-1")) for k, v in request.headers.raw]
        body = await request.aread()
        with _httpx_errors(request):
            async with asyncio.timeout(patience):
                answer = await self.exchange(
                    request.method,
                    str(request.url),
                    [pair for pair in headers if pair[0].lower() not in FRAMING],
                    body,
                    tls=request.extensions.get("ssl"),
                )
        stream = _Stream(answer, request, patience)
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=stream)

    async def aclose(self) -> None:
        await self._session.close()
        await self._resolver.close()

    def _read_target(self, url: str) -> tuple[URL, str]:
        target = read_url(url)
        host = target.raw_host or ""
        if refusal := self._policy.refuse_host(host, target.port):
            raise Refused(f"{refusal}.")
        read = read_host(host)
        if isinstance(read, IPv4Address) and str(read) != host:
            raise Unsendable(f"The URL must give its address as {read}.")
        return target, host


def _data(body: bytes) -> bytes | BytesIO | None:
    """A large body goes out in pieces: in one it would double in memory."""
    if len(body) > LARGE_BODY:
        return BytesIO(body)
    return body or None


class _Stream(httpx.AsyncByteStream):
    def __init__(
        self,
        answer: aiohttp.ClientResponse,
        request: httpx.Request,
        patience: float | None,
    ) -> None:
        self._answer = answer
        self._request = request
        self._patience = patience

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._answer.content
        while not content.at_eof():
            with _httpx_errors(self._request):
                async with asyncio.timeout(self._patience):
                    chunk = await content.readany()
            yield chunk

    async def aclose(self) -> None:
        self._answer.close()


@contextmanager
def _httpx_errors(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError, ValueError, Unreadable) as error:
        if (failure := explain(error)) is None:
            raise
        kind, sentence = failure
        raise _HTTPX_ERRORS[kind](sentence, request=request) from error


_HTTPX_ERRORS: dict[ErrorClass, type[httpx.TransportError]] = {
    ErrorClass.BLOCKED: httpx.ConnectError,
    ErrorClass.NAME: httpx.ConnectError,
    ErrorClass.REFUSED: httpx.ConnectError,
    ErrorClass.UNREACHABLE: httpx.ConnectError,
    ErrorClass.TLS: httpx.ConnectError,
    ErrorClass.RESET: httpx.ReadError,
    ErrorClass.TIMEOUT: httpx.ReadTimeout,
    ErrorClass.PROTOCOL: httpx.RemoteProtocolError,
    ErrorClass.REQUEST: httpx.LocalProtocolError,
}
