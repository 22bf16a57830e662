"""What a page shows once, after the act that made it: a key, a link, leave to see a
secret. The act answers with a redirect, so that loading the page again repeats no act.

It travels in a cookie, sealed for one session, one page and a minute: nothing of it
stands in an address or in the clear, and `screen` takes it away with the next page.
"""

from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import Cookie

from callboard.runtime import Runtime
from callboard.vault import VaultError
from web import cookies

_SECONDS = 60
Shown = dict[str, str]
_Request = Request[Any, Any, Any]


class _Sealed(msgspec.Struct):
    until: float
    shown: Shown


def cookie(request: _Request, path: str, shown: Shown) -> Cookie:
    """For the page at `path`. At most 2 kB: browsers drop large cookies."""
    runtime = _runtime(request)
    sealed = _Sealed(runtime.clock().timestamp() + _SECONDS, shown)
    text = msgspec.json.encode(sealed).decode()
    value = runtime.vault.seal(text, _context(request, path))
    return cookies.make(cookies.ONCE, value, runtime.settings, _SECONDS)


def read(request: _Request) -> Shown | None:
    """What this page is to show now; None on every later look."""
    runtime = _runtime(request)
    value = cookies.value(request, cookies.ONCE, runtime.settings)
    try:
        text = runtime.vault.unseal(value, _context(request, request.url.path))
    except VaultError:
        return None
    sealed = msgspec.json.decode(text, type=_Sealed)
    return sealed.shown if runtime.clock().timestamp() <= sealed.until else None


def spent(request: _Request) -> Cookie | None:
    """Takes it away, if there is one."""
    settings = _runtime(request).settings
    if not cookies.value(request, cookies.ONCE, settings):
        return None
    return cookies.make(cookies.ONCE, "", settings)


def _context(request: _Request, path: str) -> str:
    return f"once {request.auth.session} {path}"


def _runtime(request: _Request) -> Runtime:
    found: Runtime = request.app.state.runtime
    return found
