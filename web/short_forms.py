"""Strangers send short forms: to read a megabyte of fields takes half a second of
everybody's time, and it is read before anybody knows who sent it."""

from litestar.connection import ASGIConnection
from litestar.middleware.base import MiddlewareProtocol
from litestar.types import ASGIApp, Receive, Scope, Send

from callboard.errors import LimitReached
from web import security
from web.security import SAFE, Connection

SHORT = 16 * 1024


class ShortForms(MiddlewareProtocol):
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection: Connection = ASGIConnection(scope)
        if _is_long(connection) and await security.signed_in(connection) is None:
            raise LimitReached("Sign in before you send as much as this.", "too_large")
        await self.app(scope, receive, send)


def _is_long(connection: Connection) -> bool:
    if connection.scope.get("method") in SAFE:
        return False
    length = connection.headers.get("content-length", "0")
    chunked = "transfer-encoding" in connection.headers
    return chunked or not length.isdecimal() or int(length) > SHORT
