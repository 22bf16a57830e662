from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from litestar import Litestar

from callboard.config import Settings
from callboard.runtime import open_runtime


class Lifespan(Protocol):
    def __call__(self, app: Litestar) -> AbstractAsyncContextManager[None]: ...


def running(settings: Settings) -> Lifespan:
    """The runtime is open while the process serves."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with open_runtime(settings) as runtime:
            app.state.runtime = runtime
            yield

    return lifespan
