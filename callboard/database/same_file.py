"""Whether SQLite's file is still the one that was opened.

If somebody puts a backup in its place, or removes it, what is written goes on into a
file that nobody will find again. Nor can a process just open the other one: what it
remembers, and what its workers have taken, is of the first.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from callboard.errors import Unavailable

# A log that is removed alone is lost with all that is not in the file yet.
_PARTS = ("", "-wal", "-shm")
_MOVED = (
    "The database's file was replaced or removed while it was open. Put it back, or"
    " restart Callboard to use what is there now."
)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class SameFile:
    """Made while a connection is open that has read something."""

    path: str
    _opened: tuple[tuple[int, int], ...] = field(init=False)
    _moved: bool = False

    def __post_init__(self) -> None:
        self._opened = tuple(self._there())

    def check(self) -> None:
        """Raises Unavailable. Cheap: done before and after each transaction."""
        moved = tuple(self._there()) != self._opened
        if moved is not self._moved:
            self._moved = moved
            said, level = ("moved", logging.ERROR) if moved else ("back", logging.INFO)
            log.log(level, f"database.{said}", extra={"path": self.path})
        if moved:
            raise Unavailable(_MOVED)

    def _there(self) -> Iterator[tuple[int, int]]:
        for part in _PARTS:
            try:
                found = os.stat(self.path + part)
            except FileNotFoundError:
                continue
            yield found.st_dev, found.st_ino
