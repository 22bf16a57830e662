"""The database's clock, read off the monotonic one in between.

Due times are compared with one clock however many machines there are, and a wall clock
that jumps moves nothing.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic

from callboard.database.statements import reading
from callboard.errors import Unavailable

_AGAIN = 5.0


class Clock:
    def __init__(self) -> None:
        self._offset = datetime.now(UTC).timestamp() - monotonic()

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(monotonic() + self._offset, UTC)

    async def keep(self) -> None:
        """Set every few seconds, until cancelled: a machine may sleep or drift."""
        while True:
            await asyncio.sleep(_AGAIN)
            with suppress(Unavailable):
                await self.set()

    async def set(self) -> None:
        """Raises Unavailable; the clock then goes on as before."""
        async with reading() as db:
            if db.is_sqlite:
                found = datetime.now(UTC)
            else:
                rows = await db.fetch("SELECT clock_timestamp() AS now")
                found = rows[0]["now"]
        self._offset = found.timestamp() - monotonic()
