"""Against pages of other sites that make a browser send our forms."""

import hashlib
from urllib.parse import urlsplit

from litestar.config.csrf import CSRFConfig
from litestar.handlers import BaseRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.middleware.csrf import CSRFMiddleware

from callboard.config import Settings
from callboard.errors import Forbidden
from web import cookies
from web.security import SAFE, Connection

_OUR_SITE = ("same-origin", "none")  # a page of ours; a person who typed the address


async def own_pages_guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Refuses what the page of another site makes a browser send.

    The forms' token proves the same, unless a neighbour under our domain could plant
    it. Browsers say where a request comes from; programs say nothing.
    """
    if connection.scope.get("method") in SAFE or handler.opt.get("exclude_from_csrf"):
        return
    site, origin = (connection.headers.get(n, "") for n in ("sec-fetch-site", "origin"))
    good = site in _OUR_SITE if site else not origin or _is_ours(origin, connection)
    if not good:
        raise Forbidden("Another site asked for this. Do it on the page here instead.")


def forms_token(settings: Settings) -> DefineMiddleware:
    """Forms carry what a cookie holds. The key is derived: what signs tokens should
    open no sealed secret."""
    key = hashlib.sha256(b"csrf:" + settings.secret_keys[0].encode()).hexdigest()
    config = CSRFConfig(
        secret=key,
        cookie_name=cookies.name(cookies.CSRF, settings),
        cookie_httponly=True,
        cookie_secure=cookies.is_secure(settings),
    )
    return DefineMiddleware(_FormsToken, config=config)


class _FormsToken(CSRFMiddleware):
    def _csrf_tokens_match(self, request_csrf_token: object, cookie: object) -> bool:
        """Litestar's own fails on files and on what is not ASCII."""
        shown = [t for t in (request_csrf_token, cookie) if isinstance(t, str)]
        good = len(shown) == 2 and "".join(shown).isascii()
        return good and super()._csrf_tokens_match(*shown)


def _is_ours(origin: str, connection: Connection) -> bool:
    """Browsers send Fetch Metadata only over TLS and to this machine itself."""
    settings: Settings = connection.app.state.runtime.settings
    ours = urlsplit(settings.public_url)
    called = urlsplit(origin)
    return called.netloc == connection.headers.get("host") or called[:2] == ours[:2]
