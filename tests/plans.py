"""How much PostgreSQL reads for each statement, as its auto_explain tells."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from callboard.database import Database

_TOLD = "; ".join(
    [
        "LOAD 'auto_explain'",
        "SET auto_explain.log_min_duration = 0",
        "SET auto_explain.log_analyze = on",
        "SET auto_explain.log_buffers = on",
        "SET auto_explain.log_timing = off",
        "SET auto_explain.log_format = json",
        "SET auto_explain.log_level = notice",
        "SET client_min_messages = notice",
    ]
)


@contextmanager
def pages_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """By statement the most that one of its runs took, of 8 kB each; of all that goes
    through `Database.fetch` meanwhile."""
    most: dict[str, int] = {}
    told: list[Any] = []
    fetch = Database.fetch

    async def fetch_and_tell(self: Database, sql: str, **values: Any) -> Any:
        plans: list[int] = []

        def listen(_: Any, message: Any) -> None:
            if "plan:" in message.message and '"pg_type"' not in message.message:
                plans.append(_pages(message.message))

        actual = self.connection._con  # a pool wraps it anew each time
        if actual not in told:
            await self.connection.execute(_TOLD)
            told.append(actual)
        self.connection.add_log_listener(listen)
        try:
            rows = await fetch(self, sql, **values)
            await asyncio.sleep(0)  # in which the listener is called
        finally:
            self.connection.remove_log_listener(listen)
        most[sql] = max(most.get(sql, 0), *plans, 0)
        return rows

    with monkeypatch.context() as patched:
        patched.setattr(Database, "fetch", fetch_and_tell)
        yield most


def _pages(message: str) -> int:
    plan = json.loads(message[message.index("{") :])["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])
