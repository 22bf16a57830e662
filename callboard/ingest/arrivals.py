"""The events of one accept, on their way into the database together."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from callboard.errors import Invalid
from callboard.ingest.checking import check
from callboard.ingest.directory import Directory
from callboard.ingest.events import NewEvent, Receipt, Stored


@dataclass(slots=True, eq=False)
class Arrival:
    account: str
    events: Sequence[NewEvent]
    now: datetime
    answer: asyncio.Future[list[Receipt]]
    version: int = -1
    refusal: Invalid | None = None
    stored: list[Stored] = field(default_factory=list)

    def prepare(self, directory: Directory) -> None:
        """Checks and matches; again only when the directory has moved on."""
        if self.version != directory.version:
            self.version = directory.version
            self.refusal = self._check(directory)
        if self.refusal:
            raise self.refusal

    def _check(self, directory: Directory) -> Invalid | None:
        try:
            self.stored = check(self.events, directory, self.now)
        except Invalid as refusal:
            return refusal
        return None

    @property
    def rows(self) -> int:
        return sum(len(stored.listeners) for stored in self.stored)

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(len(event.data) for event in self.events)
