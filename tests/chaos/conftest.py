"""Chaos comes last: it is slow, and its processes would disturb the others."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.chaos.report import Case, Figures, table
from tests.chaos.world import World, prepare, running_world

LONG = os.environ.get("CHAOS") == "long"
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
    for line in table(_told) if _told else ():
        terminalreporter.write_line(line)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """A row of the table that is shown when all is over."""
    name = request.node.name.removeprefix("test_").replace("_", " ")

    def told(rounds: int, figures: Figures, beside: str = "") -> None:
        _told.append(Case(name, rounds, figures, beside))

    return told


@pytest.fixture(scope="session")
def _installation() -> Iterator[World]:
    with running_world(os.environ.get("TEST_ENGINE") == "postgres") as world:
        yield world


@pytest.fixture
async def world(_installation: World) -> World:
    if not _installation.key:
        await prepare(_installation)
    await _installation.heal()
    return _installation
