"""Which workers live. A lease has no expiry: it ends with its worker."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from time import monotonic

from callboard.database import Database, Row, reading, writing
from callboard.delivery import freeing
from callboard.delivery.hosts import Hosts, share_of
from callboard.delivery.presence import Presence

# Of one's own monotonic clock: no other machine's clock is trusted.
_DEAD_AFTER = 10.0
# Between two reads no more counts: while the database is away, nobody can beat.
_LONGEST_GAP = 3.0
# Whose beat stands still for longer makes no calls, and needs no share of a host.
_SHARES_FOR = 3.0
_OLDEST = 20  # deliveries of a webhook that are looked at for a lease of nobody


class Watch:
    """One worker's view of the others' beats; only successful reads count.

    `hosts`: its calls, of which it keeps within its share. `presence`: by which it
    knows sooner of those on its machine.
    """

    def __init__(
        self,
        worker: str,
        hosts: Hosts | None = None,
        time: Callable[[], float] = monotonic,
        presence: Presence | None = None,
    ) -> None:
        self._worker = worker
        self._hosts = hosts or Hosts()
        self._hosts.share = 0  # until all that live know of this one
        self._presence = presence
        self._time = time
        self._read_at = time()
        self._seen: dict[str, tuple[int, float]] = {}
        self._unknown: set[str] = set()

    async def beat(self, now: datetime) -> list[str]:
        """Own beat, and the workers that have died: those whose beat has stood still
        for too long, or who are gone from this machine."""
        async with writing() as db:
            await db.fetch(
                """
                INSERT INTO worker (id, beat, started_at, beat_at, calls_per_host)
                VALUES (:id, 1, :now, :now, 0)
                ON CONFLICT (id) DO UPDATE SET beat = worker.beat + 1, beat_at = :now
                """,
                id=self._worker,
                now=now,
            )
            may_share = await _is_alone(db)
            rows = await db.fetch(
                "SELECT id, beat, calls_per_host FROM worker WHERE id != :id",
                id=self._worker,
            )
            dead = self._dead({row["id"]: row["beat"] for row in rows})
            share = await self._share(db, rows, dead) if may_share else None
        if share is not None:
            self._hosts.share = share
        return dead

    async def _share(
        self, db: Database, rows: Sequence[Row], dead: Collection[str]
    ) -> int:
        """Together the workers never call a host more often than it bears: a share
        shrinks before others are told of it, and grows after."""
        taken = [
            row["calls_per_host"]
            for row in rows
            if row["id"] not in dead and self._seen[row["id"]][1] < _SHARES_FOR
        ]
        share = share_of(len(taken) + 1, sum(taken))
        await db.fetch(
            "UPDATE worker SET calls_per_host = :bound WHERE id = :id",
            bound=self._hosts.shrink(share),
            id=self._worker,
        )
        return share

    async def unknown(self) -> list[str]:
        """Workers that have leases, but no row: the database may still have been busy
        with a worker's last commit when it was buried.

        Only those that two looks in a row find. A worker that was buried alive has a
        row again with its next beat.
        """
        async with reading() as db:
            rows = await db.fetch(_UNKNOWN, most=_OLDEST)
        found = {row["lease"].partition("/")[0] for row in rows}
        twice, self._unknown = found & self._unknown, found
        return sorted(twice)

    async def bury(self, worker: str, now: datetime) -> int:
        """See `bury`; and nobody finds it gone again."""
        freed = await bury(worker, now)
        if self._presence:
            self._presence.forget(worker)
        return freed

    def _dead(self, beats: dict[str, int]) -> list[str]:
        still = self._still(beats)
        gone = self._presence.gone(self._seen.keys() - still) if self._presence else []
        return still + gone

    def _still(self, beats: dict[str, int]) -> list[str]:
        """Those whose beat was seen unchanged for too long; `_seen` sums the time."""
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


# Of each webhook with calls in flight one: among what is due longest, which is leased
# first, so that nothing reads all that waits.
_UNKNOWN = """
    SELECT DISTINCT lease FROM (
        SELECT (SELECT min(lease) FROM (
                SELECT lease FROM delivery WHERE webhook = turn.webhook
                AND state = 'pending' AND due IS NOT NULL ORDER BY due LIMIT :most
            ) AS oldest WHERE NOT EXISTS (
                SELECT 1 FROM worker w WHERE oldest.lease LIKE w.id || '/%')) AS lease
        FROM turn WHERE leased > 0) AS found
    WHERE lease IS NOT NULL
"""


async def _is_alone(db: Database) -> bool:
    """Shares are settled by one worker at a time. None waits for another, which may
    stand still in the middle of it."""
    if db.is_sqlite:
        return True
    rows = await db.fetch("SELECT pg_try_advisory_xact_lock(7146251) AS alone")
    return bool(rows[0]["alone"])


async def bury(worker: str, now: datetime) -> int:
    """Frees the leases of a worker that has ended or died; how many there were."""
    async with writing() as db:
        freed = await freeing.free(db, worker, now)
        await db.fetch("DELETE FROM worker WHERE id = :id", id=worker)
    return freed
