from typing import Any

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response

from callboard.accounts.actor import Actor
from callboard.delivery import runs
from callboard.errors import Conflict
from web.screens import elsewhere
from web.security import Running


@post("/webhooks/{id:str}/run")
async def run_now(
    request: HTMXRequest,
    by: NamedDependency[Actor],
    runtime: Running,
    id: FromPath[str],
) -> Response[Any]:
    try:
        taken = await runs.run_now(by, id)
        said = "" if taken else "Nothing waits to be sent."
    except Conflict as error:
        said = error.message
    runtime.queue.ring()
    return elsewhere(request, f"/webhooks/{id}", said)
