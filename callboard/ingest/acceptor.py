"""Accepting events: check, dedupe, match, store, ring.

Calls that arrive while a commit runs share the next one ("in company"); a lone call
commits at once. Each commit is a task of its own: a caller that leaves cancels nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from callboard.database import Database, writing
from callboard.errors import (
    CallboardError,
    Invalid,
    LimitReached,
    NotFound,
    Unavailable,
)
from callboard.ingest.calls import Call
from callboard.ingest.directory import Directories, Directory
from callboard.ingest.events import NewEvent, Receipt
from callboard.ingest.storing import store

# A call with more deliveries commits alone; with far more it is refused.
_COMPANY_ROWS = 5_000
_MOST_ROWS = 100_000


class Acceptor:
    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._directories = Directories()
        self._waiting: list[Call] = []
        self._committing: asyncio.Task[None] | None = None

    async def accept(
        self, account: str, events: Sequence[NewEvent], now: datetime
    ) -> list[Receipt]:
        """All or nothing; returns when everything is on disk.

        Raises Invalid (fields as `events[3].type`), Conflict when a key was used for
        something else, LimitReached, Unavailable.
        """
        call = Call(account, events, now, asyncio.get_running_loop().create_future())
        known = self._directories.newest(account)
        if known is not None:
            await self._prepare_early(call, known)
        if call.rows > _COMPANY_ROWS:
            await asyncio.shield(asyncio.create_task(self._commit([call])))
        else:
            self._waiting.append(call)
            if self._committing is None:
                self._committing = asyncio.create_task(self._commit_waiting())
        return await asyncio.shield(call.answer)

    async def _prepare_early(self, call: Call, known: Directory) -> None:
        """Outside the transaction; a newer directory may find right what is wrong."""
        with suppress(Invalid):
            call.prepare(known)

    async def _commit_waiting(self) -> None:
        try:
            while self._waiting:
                calls, self._waiting = self._waiting, []
                await self._commit(calls)
        finally:
            self._committing = None

    async def _commit(self, calls: list[Call]) -> None:
        """Together; if the database refuses that, each alone, so that one bad event
        fails only its own call."""
        try:
            async with writing() as db:
                answers = await self._store(db, calls)
        except Exception as problem:  # noqa: BLE001 - each caller gets to see its own
            if len(calls) == 1 or isinstance(problem, Unavailable):
                for call in calls:
                    _answer(call, problem)
            else:
                for call in calls:
                    await self._commit([call])
            return
        self._ring()
        for call, answer in zip(calls, answers, strict=True):
            _answer(call, answer)

    async def _store(
        self, db: Database, calls: Sequence[Call]
    ) -> list[list[Receipt] | CallboardError]:
        refused = await self._prepare(db, calls)
        good = [call for call in calls if call not in refused]
        answers: dict[Call, list[Receipt] | CallboardError] = {**refused}
        answers |= zip(good, await store(db, good), strict=True)
        return [answers[call] for call in calls]

    async def _prepare(
        self, db: Database, calls: Sequence[Call]
    ) -> dict[Call, CallboardError]:
        """By the directory that this transaction sees: a webhook that was activated
        before the call never misses its event. One that is paused or deleted while
        this commits gets no call either: the sweep moves what strayed in."""
        rows = await db.fetch(
            "SELECT id, version FROM account WHERE id = ANY(:accounts)",
            accounts=sorted({call.account for call in calls}),
        )
        versions = {row["id"]: row["version"] for row in rows}
        refused: dict[Call, CallboardError] = {}
        for call in calls:
            try:
                if call.account not in versions:
                    raise NotFound("There is no such account.")
                version = versions[call.account]
                call.prepare(await self._directories.get(call.account, version))
                if call.rows > _MOST_ROWS:
                    raise LimitReached(
                        f"This would make {call.rows} deliveries; send fewer events.",
                        "too_large",
                    )
            except CallboardError as problem:
                refused[call] = problem
        return refused


def _answer(call: Call, answer: list[Receipt] | Exception) -> None:
    if call.answer.done():
        return
    if isinstance(answer, Exception):
        call.answer.set_exception(answer)
        call.answer.exception()  # a caller that left does not want to hear of it
    else:
        call.answer.set_result(answer)
