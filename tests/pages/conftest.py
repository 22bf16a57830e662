from collections.abc import AsyncIterator

import pytest
from litestar import Litestar

from callboard.runtime import Runtime
from tests.cast import Cast, person
from tests.pages.signed_in import Browser, browser, sign_in


@pytest.fixture
async def visitor(app: Litestar, runtime: Runtime) -> AsyncIterator[Browser]:
    async with browser(app, runtime) as opened:
        yield opened


@pytest.fixture
async def alice(app: Litestar, runtime: Runtime, cast: Cast) -> AsyncIterator[Browser]:
    async with browser(app, runtime) as opened:
        yield await sign_in(opened, runtime, cast.alice)


@pytest.fixture
async def bob(app: Litestar, runtime: Runtime, cast: Cast) -> AsyncIterator[Browser]:
    async with browser(app, runtime) as opened:
        yield await sign_in(opened, runtime, cast.bob)


@pytest.fixture
async def charlie(
    app: Litestar, runtime: Runtime, cast: Cast
) -> AsyncIterator[Browser]:
    async with browser(app, runtime) as opened:
        yield await sign_in(opened, runtime, cast.charlie)


@pytest.fixture
async def viewer(app: Litestar, runtime: Runtime, cast: Cast) -> AsyncIterator[Browser]:
    eve = await person(cast.alice.account, "eve@acme.example", "viewer")
    async with browser(app, runtime) as opened:
        yield await sign_in(opened, runtime, eve)
