from typing import Any

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response

from callboard.delivery import runs
from web.screens import elsewhere
from web.security import Running, actor


@post("/webhooks/{id:str}/run")
async def run_now(
    request: HTMXRequest,
    account: NamedDependency[str],
    runtime: Running,
    id: FromPath[str],
) -> Response[Any]:
    now = runtime.clock()
    taken = await runs.run_now(account, actor(request), id, now)
    runtime.queue.ring()
    said = "" if taken else "Nothing waits to be sent."
    return elsewhere(request, f"/webhooks/{id}", said)
