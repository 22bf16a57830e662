"""For those who watch the process: no key, no account."""

from dataclasses import asdict

import msgspec
from litestar import Response, get, head
from litestar.openapi import ResponseSpec
from litestar.router import Router

from callboard.upkeep import readiness
from web.errors import JSON_ERRORS
from web.security import Running


class ReadinessOut(msgspec.Struct):
    database: bool
    schema: bool
    redis: bool
    workers: int
    oldest_due_seconds: float
    problem: str | None


@get("/healthz", sync_to_thread=False)
def healthz() -> dict[str, str]:
    """The process answers; nothing else is looked at."""
    return {"status": "ok"}


@head("/healthz", sync_to_thread=False, include_in_schema=False)
def healthz_head() -> None:
    """Some watchers ask so."""


@get(
    "/readyz",
    responses={503: ResponseSpec(ReadinessOut, description="Not ready.")},
)
async def readyz(runtime: Running) -> Response[ReadinessOut]:
    """503 only when the database is away or its schema is old.

    `oldest_due_seconds`: how long the longest due delivery has waited. `problem`: what
    is wrong with the database.
    """
    found = await readiness.look(runtime.queue, runtime.clock())
    body = ReadinessOut(**asdict(found))
    return Response(body, status_code=200 if found.ready else 503)


router = Router(
    path="/",
    route_handlers=[healthz, healthz_head, readyz],
    exception_handlers=JSON_ERRORS,
    tags=["Probes"],
)
