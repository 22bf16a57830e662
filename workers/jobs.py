"""What arq runs. Jobs may run twice; what they need to know is in the database."""

from typing import Any


async def post(ctx: dict[str, Any]) -> None:
    await ctx["postman"].send_due()


async def replay(ctx: dict[str, Any]) -> None:
    await ctx["replayer"].work()


async def wake(ctx: dict[str, Any]) -> None:
    ctx["ring"]()
