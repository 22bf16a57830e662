"""Chaos comes last: it is slow, and its processes would disturb the others."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.chaos.report import Case, Figures, table
from tests.chaos.world import World, prepare, running_world

LONG = os.environ.get("CHAOS") == "long"
# Events that are accepted between one blow and the next.
SOME = 100 if LONG else 40
_SHORT = 60  # seconds that the short form may take
_begun = time.monotonic()
_told: list[Case] = []

Tell = Callable[..., None]


@pytest.hookimpl(tryfirst=True)  # before others select by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _is_chaos(item):
            item.add_marker(pytest.mark.chaos)
            item.add_marker(pytest.mark.timeout(600 if LONG else 120))
    items.sort(key=_is_chaos)


def _is_chaos(item: pytest.Item) -> bool:
    return item.path.parent.name == "chaos"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not _told:
        return
    for line in table(_told):
        terminalreporter.write_line(line)
    took = f"{time.monotonic() - _begun:.0f} s in all"
    terminalreporter.write_line(took if LONG else f"{took}, of {_SHORT} at most")


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """A row of the table that is shown when all is over."""
    name = request.node.name.removeprefix("test_").replace("_", " ")

    def told(rounds: int, figures: Figures, beside: str = "") -> None:
        _told.append(Case(name, rounds, figures, beside))

    return told


@dataclass
class _Shared:
    """`failures`: how many tests had failed when the world was made."""

    opened: ExitStack
    world: World | None = None
    failures: int = 0


@pytest.fixture(scope="session")
def _shared() -> Iterator[_Shared]:
    with ExitStack() as opened:
        yield _Shared(opened)


@pytest.fixture
async def world(_shared: _Shared, request: pytest.FixtureRequest) -> World:
    """The same for all tests; but what one that failed has left behind, no other
    meets."""
    failures = request.session.testsfailed
    if not _shared.world or _shared.failures < failures:
        _shared.opened.close()
        running = running_world(os.environ.get("TEST_ENGINE") == "postgres")
        _shared.world = _shared.opened.enter_context(running)
        _shared.failures = failures
        await prepare(_shared.world)
    await _shared.world.heal()
    return _shared.world
