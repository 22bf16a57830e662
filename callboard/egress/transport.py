"""An aiohttp pool that calls only what is allowed.

Three gates: the host as written, every answer of the name servers, and the
address of each new socket. HTTP/1.1 only; a request goes out once or not at all.
"""

import ssl
from functools import lru_cache
from io import BytesIO
from ipaddress import IPv4Address

import aiohttp
from yarl import URL

from callboard.egress.addresses import read_host
from callboard.egress.failures import Refused, Unsendable
from callboard.egress.policy import EgressPolicy
from callboard.egress.pool import (
    READ_AHEAD,
    Connector,
    Marks,
    Request,
    TimedResolver,
    current_marks,
)
from callboard.egress.resolver import Lookup
from callboard.egress.sendable import Headers, check_request, read_url
from callboard.egress.tls import context

LARGE_BODY = 64 * 1024
_NO_LIMITS = aiohttp.ClientTimeout(total=None, sock_connect=None)


class GuardedTransport:
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
        self._tls = tls or context()
        self._resolver = TimedResolver(policy, lookup)
        self._connector = Connector(policy, self._resolver)

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
        """Sends one request and reads the status line and headers of its answer."""
        check_request(method, headers)
        target, host = self._target(url)
        marks = marks or Marks()
        marks.host = host
        current_marks.set(marks)
        content, trust = _data(body), tls or self._tls
        request = Request(method, target, headers=headers, data=content, ssl=trust)
        return await self._answer(request)

    async def aclose(self) -> None:
        await self._connector.close()
        await self._resolver.close()

    async def _answer(self, request: Request) -> aiohttp.ClientResponse:
        """Without aiohttp's session: it would follow redirects, keep cookies and send
        some requests twice, and takes a tenth of a worker's time to be kept from it."""
        connection = await self._connector.connect(request, [], _NO_LIMITS)
        try:
            assert connection.protocol is not None
            connection.protocol.set_response_params(
                read_until_eof=True, auto_decompress=False, read_bufsize=READ_AHEAD
            )
            response = await request.send(connection)
        except BaseException:
            connection.close()
            raise
        try:
            return await response.start(connection)
        except BaseException:
            response.close()
            raise

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
