"""httpx's transport contract over an aiohttp pool that calls only what is allowed.

Three gates: the host as written, every answer of the name servers, and the
address of each new socket. HTTP/1.1 only; a request goes out once or not at all.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial
from io import BytesIO
from ipaddress import IPv4Address
from time import monotonic

import aiohttp
import httpx
from aiohttp.abc import ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict
from yarl import URL

from callboard.egress.addresses import read_host
from callboard.egress.failures import Refused, Unreadable, Unsendable, explain
from callboard.egress.policy import EgressPolicy
from callboard.egress.resolver import GuardedResolver, Lookup
from callboard.outcome import ErrorClass

IDLE_SECONDS = 2.0
LIFE_SECONDS = 60.0
MOST_CONNECTIONS = 1024
MOST_PER_HOST = 256
MOST_INTERIM = 16
READ_AHEAD = 64 * 1024

LONGEST_URL = 16 * 1024
LARGE_BODY = 512 * 1024

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_URL = re.compile(r"https?://[!-~]+", re.IGNORECASE).fullmatch
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_VALUE = re.compile(r"[\t -~]*").fullmatch
# Each of these frames the message or is the connection's own to say.
_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive"}
    | {"expect", "te", "trailer", "upgrade"}
    | {"proxy-connection", "proxy-authorization"}
)
_NOTHING_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")

Headers = Iterable[tuple[str, str]]
_AddressInfo = tuple[
    int | socket.AddressFamily,
    int | socket.SocketKind,
    int,
    str,
    tuple[str, int] | tuple[str, int, int, int],
]


class Marks:
    """The host that a call asked for, and when the steps towards it happened.

    Zero stands for a step that was not needed, such as on a kept connection.
    """

    __slots__ = ("asked", "connected", "connecting", "host", "named", "secured")

    def __init__(self) -> None:
        self.host = ""
        self.asked = self.named = 0.0
        self.connecting = self.connected = self.secured = 0.0


_marks: ContextVar[Marks] = ContextVar("marks")


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
        self._resolver = _TimedResolver(policy, lookup)
        self._session = _open_session(policy, self._resolver)

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
        _check(method, headers)
        target, host = self._target(url)
        marks = marks or Marks()
        marks.host = host
        _marks.set(marks)
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
                    [pair for pair in headers if pair[0].lower() not in _FRAMING],
                    body,
                    tls=request.extensions.get("ssl"),
                )
        stream = _Stream(answer, request, patience)
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=stream)

    async def aclose(self) -> None:
        await self._session.close()
        await self._resolver.close()

    def _read_target(self, url: str) -> tuple[URL, str]:
        target = _read_url(url)
        host = target.raw_host or ""
        if refusal := self._policy.refuse_host(host, target.port):
            raise Refused(f"{refusal}.")
        read = read_host(host)
        if isinstance(read, IPv4Address) and str(read) != host:
            raise Unsendable(f"The URL must give its address as {read}.")
        return target, host


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


def _check(method: str, headers: Headers) -> None:
    if method not in METHODS:
        raise Unsendable("This method cannot be sent.")
    for name, value in headers:
        if problem := _name_problem(name):
            raise Unsendable(problem)
        # The first test is the quick one; only a tab needs the second.
        if not (value.isascii() and value.isprintable()) and not _VALUE(value):
            raise Unsendable(f"The value of the header {name} cannot be sent.")


def _data(body: bytes) -> bytes | BytesIO | None:
    """A large body goes out in pieces: in one it would double in memory."""
    if len(body) > LARGE_BODY:
        return BytesIO(body)
    return body or None


@lru_cache(1024)
def _name_problem(name: str) -> str:
    if not _NAME(name):
        return "A header's name cannot be sent."
    if name.lower() in _FRAMING:
        return f"The header {name} is set by the connection itself."
    return ""


def _read_url(url: str) -> URL:
    """As written: yarl would otherwise turn /a/%2e%2e/b into /b."""
    if len(url) > LONGEST_URL or not _URL(url):
        raise Unsendable("The URL is not a valid http or https address.")
    try:
        target = URL(url, encoded=True)
        read_host(target.raw_host or "")
        _ = target.port
    except ValueError:
        raise Unsendable("The URL's host or port is not valid.") from None
    if target.raw_user is not None or target.raw_password is not None:
        raise Unsendable("The URL must not hold a user name or password.")
    return target


def _open_session(
    policy: EgressPolicy, resolver: GuardedResolver
) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=_Connector(policy, resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_NOTHING_ADDED,
        auto_decompress=False,
        trust_env=False,
        read_bufsize=READ_AHEAD,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
    )
    # Otherwise aiohttp repeats GET, PUT and DELETE when a kept connection breaks.
    session._retry_connection = False
    return session


class _Connector(aiohttp.TCPConnector):
    def __init__(self, policy: EgressPolicy, resolver: GuardedResolver) -> None:
        super().__init__(
            resolver=resolver,
            use_dns_cache=False,
            socket_factory=partial(_open_socket, policy),
            keepalive_timeout=IDLE_SECONDS,
            limit=MOST_CONNECTIONS,
            limit_per_host=MOST_PER_HOST,
        )
        line: type[ResponseHandler] = _Line
        self._factory = partial(line, loop=self._loop)


class _TimedResolver(GuardedResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        marks = _marks.get()
        marks.asked = monotonic()
        try:
            return await super().resolve(host, port, family)
        finally:
            marks.named = monotonic()


def _open_socket(policy: EgressPolicy, info: _AddressInfo) -> socket.socket:
    """The last gate: whatever led here, a forbidden address gets no socket."""
    marks = _marks.get()
    family, kind, protocol, _, address = info
    if refusal := policy.refuse(address[0], marks.host, address[1]):
        raise Refused(f"{refusal}.")
    marks.connecting = marks.connecting or monotonic()
    return socket.socket(family, kind, protocol)


class _Line(ResponseHandler):
    """A connection with a bounded life that nobody waits for when it is given up.

    A plain close() flushes what is unsent first: a receiver that reads nothing
    would keep the socket and the rest of the body for ever.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._marks = _marks.get()
        self._born = self._marks.connected = monotonic()
        self._interim = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if transport.get_extra_info("sslcontext") is not None:
            self._marks.secured = monotonic()

    def feed_data(
        self, data: tuple[RawResponseMessage, StreamReader], size: int = 0
    ) -> None:
        """Ends a flood of 1xx answers, each of which costs as much as a real one."""
        self._interim = self._interim + 1 if data[0].code < 200 else 0
        if self._interim > MOST_INTERIM:
            self.set_exception(Unreadable("The receiver sent no final answer."))
        else:
            super().feed_data(data, size)

    def set_exception(
        self, exc: BaseException, exc_cause: BaseException | None = None
    ) -> None:
        """Fails a body that turns into nonsense at once: aiohttp lets it wait."""
        super().set_exception(exc, exc_cause or exc)
        body = self._payload
        if isinstance(exc, HttpProcessingError) and body and not body.is_eof():
            body.set_exception(exc)

    def close(self) -> None:
        self.abort()

    def is_connected(self) -> bool:
        """Also no: what has grown old, and what spoke before it was asked."""
        return super().is_connected() and not self.should_close

    @property
    def should_close(self) -> bool:
        return monotonic() - self._born > LIFE_SECONDS or super().should_close
