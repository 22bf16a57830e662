"""Test calls from the pages."""

from typing import Any

from litestar.plugins.htmx import HTMXRequest

from callboard import trial
from callboard.accounts.limits import TryLimit
from callboard.delivery.targets import Target
from callboard.payload.values import Facts
from callboard.runtime import Runtime
from web.pages import webhook_views

# Each is a call to an address of the member's choice: nobody scans ports with them.
limit = TryLimit()
MOST = 60


async def send(
    request: HTMXRequest, runtime: Runtime, target: Target, facts: Facts
) -> dict[str, Any]:
    """What came of one real call."""
    now = runtime.clock()
    limit.count({request.user.id: MOST}, now)
    made = await trial.send(runtime.sender, target, facts, now)
    return webhook_views.result(made, facts.type)
