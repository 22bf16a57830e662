import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Protocol

from litestar import Litestar

from callboard.config import Settings
from callboard.processes.cutting import end_within
from callboard.processes.starting import starting
from callboard.runtime import open_runtime

_CLOSES_WITHIN = 5.0  # after the last calls have ended, or were cut off

log = logging.getLogger(__name__)


class Lifespan(Protocol):
    def __call__(self, app: Litestar) -> AbstractAsyncContextManager[None]: ...


def running(settings: Settings) -> Lifespan:
    """The runtime is open while the process serves."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        with starting() as started:
            async with open_runtime(settings) as runtime:
                app.state.runtime = runtime
                started()
                yield
                end_within(_CLOSES_WITHIN, partial(log.error, "web.cut_off"))

    return lifespan
