"""Accepting events: check, dedupe, match, store, ring.

What arrives while a commit runs shares the next one ("in company"), else it is
committed at once. Each commit is a task of its own: a caller that leaves cancels
nothing.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import accumulate

from callboard.database import Database, reading, writing
from callboard.errors import (
    CallboardError,
    Invalid,
    LimitReached,
    NotFound,
    Unavailable,
)
from callboard.ingest.arrivals import Arrival
from callboard.ingest.checking import check
from callboard.ingest.directory import Directories, Directory
from callboard.ingest.events import NewEvent, Receipt
from callboard.ingest.intake import Intake
from callboard.ingest.storing import store
from callboard.numerals import written

# An arrival with more deliveries is committed alone; with far more it is refused.
_COMPANY_ROWS = 5_000
# Of events in one commit: until it is done they lie in memory some three times over.
_COMPANY_BYTES = 2 * 1024 * 1024
_MOST_ROWS = 100_000


class Acceptor:
    def __init__(self, ring: Callable[[], None]) -> None:
        self.intake = Intake()
        self._ring = ring
        self._directories = Directories()
        self._waiting: list[Arrival] = []
        self._committing: asyncio.Task[None] | None = None

    async def accept(
        self, account: str, events: Sequence[NewEvent], now: datetime
    ) -> list[Receipt]:
        """All or nothing; returns when everything is on disk.

        Raises Invalid (fields as `events[3].type`), Conflict when a key was used for
        something else, LimitReached, Unavailable.
        """
        arrival = Arrival(
            account, events, now, asyncio.get_running_loop().create_future()
        )
        known = self._directories.newest(account)
        if known is not None:
            await self._prepare_early(arrival, known)
        if arrival.rows > _COMPANY_ROWS:
            await asyncio.shield(asyncio.create_task(self._commit([arrival])))
        else:
            self._waiting.append(arrival)
            if self._committing is None:
                self._committing = asyncio.create_task(self._commit_waiting())
        return await arrival.answer

    async def judge(
        self, account: str, events: Sequence[NewEvent], now: datetime
    ) -> None:
        """Raises Invalid as `accept` does, and takes nothing."""
        async with reading() as db:
            rows = await db.fetch(
                "SELECT version FROM account WHERE id = :account", account=account
            )
        for row in rows:
            check(events, await self._directories.get(account, row["version"]), now)

    async def _prepare_early(self, arrival: Arrival, known: Directory) -> None:
        """Outside the transaction; a newer directory may find right what is wrong."""
        with suppress(Invalid):
            arrival.prepare(known)

    async def _commit_waiting(self) -> None:
        try:
            while self._waiting:
                await self._commit(self._next_company())
        finally:
            self._committing = None

    def _next_company(self) -> list[Arrival]:
        """In the order they came, as many as fit."""
        sizes = accumulate(arrival.size for arrival in self._waiting)
        fit = bisect_right(list(sizes), _COMPANY_BYTES) or 1
        arrivals, self._waiting = self._waiting[:fit], self._waiting[fit:]
        return arrivals

    async def _commit(self, arrivals: list[Arrival]) -> None:
        """Together; if the database refuses that, each alone, so that one bad event
        fails only its own arrival."""
        try:
            async with writing() as db:
                answers = await self._store(db, arrivals)
        except Exception as problem:  # noqa: BLE001 - each caller gets to see its own
            if len(arrivals) == 1 or isinstance(problem, Unavailable):
                for arrival in arrivals:
                    _answer(arrival, problem)
            else:
                for arrival in arrivals:
                    await self._commit([arrival])
            return
        self._ring()
        for arrival, answer in zip(arrivals, answers, strict=True):
            _answer(arrival, answer)

    async def _store(
        self, db: Database, arrivals: Sequence[Arrival]
    ) -> list[list[Receipt] | CallboardError]:
        refused = await self._prepare(db, arrivals)
        good = [arrival for arrival in arrivals if arrival not in refused]
        answers: dict[Arrival, list[Receipt] | CallboardError] = {**refused}
        answers |= zip(good, await store(db, good), strict=True)
        return [answers[arrival] for arrival in arrivals]

    async def _prepare(
        self, db: Database, arrivals: Sequence[Arrival]
    ) -> dict[Arrival, CallboardError]:
        """By the directory that this transaction sees: a webhook that was activated
        before the arrival never misses its event. One that is paused or deleted while
        this commits is not called either: the sweep moves what strayed in."""
        rows = await db.fetch(
            "SELECT id, version FROM account WHERE id = ANY(:accounts)",
            accounts=sorted({arrival.account for arrival in arrivals}),
        )
        versions = {row["id"]: row["version"] for row in rows}
        refused: dict[Arrival, CallboardError] = {}
        for arrival in arrivals:
            try:
                await self._prepare_by(versions.get(arrival.account), arrival)
            except CallboardError as problem:
                refused[arrival] = problem
        return refused

    async def _prepare_by(self, version: int | None, arrival: Arrival) -> None:
        if version is None:
            raise NotFound("There is no such account.")
        arrival.prepare(await self._directories.get(arrival.account, version))
        if arrival.rows > _MOST_ROWS:
            made = written(arrival.rows)
            text = f"This would make {made} deliveries; send fewer events."
            raise LimitReached(text, "too_large")


def _answer(arrival: Arrival, answer: list[Receipt] | Exception) -> None:
    if arrival.answer.done():
        return
    if isinstance(answer, Exception):
        arrival.answer.set_exception(answer)
        arrival.answer.exception()  # a caller that left does not want to hear of it
    else:
        arrival.answer.set_result(answer)
