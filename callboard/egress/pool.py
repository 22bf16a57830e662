"""The aiohttp pool under our transport: every new socket passes a gate.

A few of aiohttp's inner hooks are used here and nowhere else; tests pin each.
"""

import asyncio
import socket
from collections.abc import Iterable
from contextvars import ContextVar
from functools import partial
from time import monotonic

import aiohttp
from aiohttp.abc import ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http import HttpProcessingError, RawResponseMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict

from callboard.egress.failures import Refused, Unreadable
from callboard.egress.policy import EgressPolicy
from callboard.egress.resolver import GuardedResolver

IDLE_SECONDS = 2.0
LIFE_SECONDS = 60.0
MOST_CONNECTIONS = 1024
MOST_PER_HOST = 256
MOST_IDLE_HOSTS = 256
MOST_INTERIM = 16
READ_AHEAD = 64 * 1024

_NOT_ADDED = CIMultiDict({"Content-Type": None})

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


current_marks: ContextVar[Marks] = ContextVar("marks")


class Request(aiohttp.ClientRequest):
    """Goes out with what it is given, its host and its length."""

    def update_auto_headers(self, _: Iterable[str] | None) -> None:
        self._skip_auto_headers = _NOT_ADDED


class TimedResolver(GuardedResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        marks = current_marks.get()
        marks.asked = monotonic()
        try:
            return await super().resolve(host, port, family)
        finally:
            marks.named = monotonic()


class Connector(aiohttp.TCPConnector):
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

    def _release(
        self,
        key: ConnectionKey,
        protocol: ResponseHandler,
        *,
        should_close: bool = False,
    ) -> None:
        """Keeps idle connections to few hosts: aiohttp's limit counts busy ones."""
        crowded = len(self._conns) >= MOST_IDLE_HOSTS and key not in self._conns
        super()._release(key, protocol, should_close=should_close or crowded)


def _open_socket(policy: EgressPolicy, info: _AddressInfo) -> socket.socket:
    """The last gate: whatever led here, a forbidden address gets no socket."""
    marks = current_marks.get()
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
        self._marks = current_marks.get()
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
