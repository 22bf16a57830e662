import os
import time

import pytest

from tests.servers import make_database


@pytest.fixture
def database() -> dict[str, str]:
    """What makes `up` use the engine under test: nothing for SQLite."""
    if os.environ.get("TEST_ENGINE", "sqlite") == "sqlite":
        return {}
    url = make_database(os.environ["DATABASE_URL"], f"up{time.monotonic_ns()}")
    return {"DATABASE_URL": url}
