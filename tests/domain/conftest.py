import pytest

from tests.days import Days
from tests.engine import Engine


@pytest.hookimpl(tryfirst=True)  # before others select by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Rules that ask for no database are the same on every engine."""
    for item in items:
        is_ours = item.path.parent.name == "domain"
        if is_ours and "migrated" not in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.once)


@pytest.fixture
def days(engine: Engine) -> Days:
    return Days(engine, engine.runtime.clock())
