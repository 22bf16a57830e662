"""What arq runs: each job only rings somebody who lives in this process.

So the work is not lost, nor kept from others for a while, with the worker that heard
the ring: arq thinks of a job as under way until long after its worker was killed.
"""

from typing import Any


async def post(ctx: dict[str, Any]) -> None:
    ctx["postman"].stir()


async def replay(ctx: dict[str, Any]) -> None:
    ctx["replayer"].stir()


async def wake(ctx: dict[str, Any]) -> None:
    ctx["pump"].ring()
