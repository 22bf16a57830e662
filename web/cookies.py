"""Our cookies. Behind TLS they are named `__Host-…`, so that only we can set them:
another host under the same domain cannot slip a browser one of its own."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from callboard.config import Settings

SESSION = "callboard_session"
DEVICE = "callboard_device"
CSRF = "callboard_csrf"
ONCE = "callboard_once"

# The server ends sessions; the cookie need only outlive them.
_SECONDS = 365 * 24 * 3600


def name(kind: str, settings: Settings) -> str:
    return f"__Host-{kind}" if is_secure(settings) else kind


def make(kind: str, value: str, settings: Settings, seconds: int = _SECONDS) -> Cookie:
    """An empty value takes the cookie away."""
    return Cookie(
        key=name(kind, settings),
        value=value,
        max_age=seconds if value else 0,
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="lax",
    )


def value(
    connection: ASGIConnection[Any, Any, Any, Any], kind: str, settings: Settings
) -> str:
    return connection.cookies.get(name(kind, settings), "")


def is_secure(settings: Settings) -> bool:
    return settings.public_url.startswith("https:")
