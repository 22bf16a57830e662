"""The web process: `python -m web`, as `callboard web` runs it."""

import asyncio
import os

import uvicorn

from callboard import config, logs
from callboard.config import Settings
from callboard.errors import Unavailable
from callboard.processes.starting import starting
from callboard.runtime import OldSchema, open_runtime
from web.security import on_every_answer
from web.wire import OnePieceProtocol

# Platforms kill 30 s after they asked to stop; streams would never end by themselves.
_LAST_CALLS_SECONDS = 20


def main() -> None:
    settings = config.read_or_exit(os.environ)
    logs.set_up(settings.log_format)
    try:
        asyncio.run(_try_out(settings))
    except (OldSchema, Unavailable) as problem:
        raise SystemExit(str(problem)) from problem
    uvicorn.run(
        "web.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.web_concurrency,
        loop="auto",
        http=OnePieceProtocol,  # type: ignore[arg-type]  # a buffered one is as good
        ws="none",
        lifespan="on",
        log_config=logs.configuration(settings.log_format),
        access_log=False,
        server_header=False,
        headers=on_every_answer(settings),
        timeout_graceful_shutdown=_LAST_CALLS_SECONDS,
    )


async def _try_out(settings: Settings) -> None:
    """What is wrong is said in a sentence, before uvicorn says it in a traceback."""
    with starting():
        async with open_runtime(settings):
            pass


if __name__ == "__main__":
    main()
