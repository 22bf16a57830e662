"""Which workers live. A lease has no expiry: it ends with its worker."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic

from callboard.database import writing
from callboard.delivery import acts

# Of one's own monotonic clock: no other machine's clock is trusted.
_DEAD_AFTER = 10.0
# Between two reads no more counts: while the database is away, nobody can beat.
_LONGEST_GAP = 3.0


class Watch:
    """One worker's view of the others' beats; only successful reads count."""

    def __init__(self, worker: str, time: Callable[[], float] = monotonic) -> None:
        self._worker = worker
        self._time = time
        self._read_at = time()
        self._seen: dict[str, tuple[int, float]] = {}

    async def beat(self, now: datetime) -> list[str]:
        """Own beat, and the workers whose beat has stood still for too long."""
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
        return self._still({row["id"]: row["beat"] for row in rows})

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
