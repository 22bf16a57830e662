import pytest

from tests.days import Days
from tests.engine import Engine


@pytest.fixture
def days(engine: Engine) -> Days:
    return Days(engine, engine.runtime.clock())
