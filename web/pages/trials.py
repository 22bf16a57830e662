"""Test calls from the pages."""

from typing import Any

from litestar.plugins.htmx import HTMXRequest

from callboard.delivery.calls.targets import Target
from callboard.insight import trial
from callboard.payload.values import Facts
from callboard.runtime import Runtime
from web.pages import webhook_views


async def send(
    request: HTMXRequest, runtime: Runtime, target: Target, facts: Facts
) -> dict[str, Any]:
    """What came of one real call."""
    by, now = request.user.id, runtime.clock()
    made = await trial.send(runtime.sender, target, facts, by, now)
    return webhook_views.result(made, facts.type)
