from collections.abc import AsyncIterator

import pytest

from callboard.runtime import Runtime
from tests.cast import Cast
from tests.engine import Engine, engine_of
from tests.receiver import Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def engine(
    runtime: Runtime, cast: Cast, receiver: Receiver
) -> AsyncIterator[Engine]:
    """alice's account with one event type; after the test the ledger is checked."""
    async with engine_of(cast.alice.account, runtime, receiver) as opened:
        yield opened
