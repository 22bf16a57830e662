"""For those who watch the process: no key, no account."""

from litestar import get, head
from litestar.router import Router

from web.errors import JSON_ERRORS


@get("/healthz", sync_to_thread=False)
def healthz() -> dict[str, str]:
    """The process answers; nothing else is looked at."""
    return {"status": "ok"}


@head("/healthz", sync_to_thread=False, include_in_schema=False)
def healthz_head() -> None:
    """Some watchers ask so."""


router = Router(
    path="/",
    route_handlers=[healthz, healthz_head],
    exception_handlers=JSON_ERRORS,
    tags=["Probes"],
)
