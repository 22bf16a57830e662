"""Which workers live. A lease has no expiry: it ends with its worker."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic

from callboard.database import writing
from callboard.delivery import acts
from callboard.delivery.presence import Presence

# Of one's own monotonic clock: no other machine's clock is trusted.
_DEAD_AFTER = 10.0
# Between two reads no more counts: while the database is away, nobody can beat.
_LONGEST_GAP = 3.0


class Watch:
    """One worker's view of the others' beats; only successful reads count.

    `presence`: by which it knows sooner of those on its machine.
    """

    def __init__(
        self,
        worker: str,
        time: Callable[[], float] = monotonic,
        presence: Presence | None = None,
    ) -> None:
        self._worker = worker
        self._presence = presence
        self._time = time
        self._read_at = time()
        self._seen: dict[str, tuple[int, float]] = {}

    @property
    def living(self) -> int:
        """How many workers there are, this one included."""
        return len(self._seen) + 1

    async def beat(self, now: datetime) -> list[str]:
        """Own beat, and the workers that have died: those whose beat has stood still
        for too long, or who are gone from this machine."""
        async with writing() as db:
            await db.fetch(
                """
                INSERT INTO worker (id, beat, started_at, beat_at)
                VALUES (:id, 1, :now, :now)
                ON CONFLICT (id) DO UPDATE SET beat = worker.beat + 1, beat_at = :now
                """,
                id=self._worker,
                now=now,
            )
            rows = await db.fetch(
                "SELECT id, beat FROM worker WHERE id != :id", id=self._worker
            )
        dead = self._still({row["id"]: row["beat"] for row in rows})
        if self._presence:
            dead += self._presence.gone(self._seen.keys() - dead)
        return dead

    async def bury(self, worker: str, now: datetime) -> int:
        """See `bury`; and nobody finds it gone again."""
        freed = await bury(worker, now)
        if self._presence:
            self._presence.forget(worker)
        return freed

    def _still(self, beats: dict[str, int]) -> list[str]:
        """Whose beat was seen unchanged for too long; `_seen` sums those seconds."""
        time = self._time()
        passed = min(time - self._read_at, _LONGEST_GAP)
        self._read_at = time
        self._seen = {
            worker: (beat, known[1] + passed)
            if (known := self._seen.get(worker)) and known[0] == beat
            else (beat, 0.0)
            for worker, beat in beats.items()
        }
        return [w for w, (_, still) in self._seen.items() if still > _DEAD_AFTER]


async def bury(worker: str, now: datetime) -> int:
    """Frees the leases of a worker that has ended or died; how many there were."""
    async with writing() as db:
        freed = await acts.free(db, worker, now)
        await db.fetch("DELETE FROM worker WHERE id = :id", id=worker)
    return freed
