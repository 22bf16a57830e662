"""Our own JSON API, version 1."""

from litestar.router import Router

from web import security
from web.errors import JSON_ERRORS

API = Router(
    path="/api/v1",
    route_handlers=[],
    guards=[security.key_guard],
    exception_handlers=JSON_ERRORS,
    opt={"exclude_from_csrf": True},
    security=[{"key": []}],
)
