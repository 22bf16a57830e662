"""What a selection may be of: deliveries that have ended, or events never sent.

Both are walked in the order in which they came, behind a cursor: the last one's id.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from callboard import ids
from callboard.database import FENCE, Database
from callboard.delivery.states import DeliveryState
from callboard.replays.bounds import Bounds


@dataclass(frozen=True, slots=True)
class Picked:
    """`repeats`: the delivery's sequence number; None for an event that had none."""

    event: str
    type: str
    accepted_at: datetime
    repeats: int | None
    state: str | None
    cursor: str


# For a few rows, which are looked up one by one, by their events. `|| ''` hides the
# index by webhook, of which PostgreSQL may otherwise read all entries each time, and
# the fence keeps it from reading all deliveries, to join with them.
_SINGLY = f" {FENCE}"


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Of each event the latest: what was sent again counts by what became of that."""

    bounds: Bounds

    async def count(self, db: Database) -> int:
        return await _count(db, self._from(), self._values())

    async def pick(self, db: Database, after: str, most: int) -> list[Picked]:
        rows = await db.fetch(
            f"""
            SELECT d.seq, d.event, d.state, e.type, e.accepted_at {self._from(_SINGLY)}
              AND d.seq > :after ORDER BY d.seq LIMIT :most
            """,
            after=_sequence(after),
            most=most,
            **self._values(),
        )
        return [
            Picked(
                row["event"],
                row["type"],
                row["accepted_at"],
                row["seq"],
                row["state"],
                ids.from_sequence("dlv", row["seq"]),
            )
            for row in rows
        ]

    def _from(self, fence: str = "") -> str:
        # The states as literals, so that the partial indexes serve them.
        states = ", ".join(f"'{state.value}'" for state in self.bounds.states)
        return f"""
            FROM delivery d JOIN event e ON e.id = d.event
            WHERE d.account = :account AND d.webhook = :webhook
              AND d.state IN ({states}) AND d.seq <= :upto AND d.finished_at <= :at
              AND NOT EXISTS (SELECT 1 FROM delivery later
                  WHERE later.event = d.event AND later.webhook || '' = d.webhook
                  AND later.seq > d.seq{fence})
              {_narrowed(self.bounds)}
        """

    def _values(self) -> dict[str, Any]:
        upto = _sequence(self.bounds.upto)
        return _values(self.bounds) | {"upto": upto, "at": self.bounds.at}


@dataclass(frozen=True, slots=True)
class Missing:
    """Events without a delivery. One that expired while it was held was never sent
    either."""

    bounds: Bounds

    async def count(self, db: Database) -> int:
        return await _count(db, self._from(), self._values())

    async def pick(self, db: Database, after: str, most: int) -> list[Picked]:
        rows = await db.fetch(
            f"""
            SELECT e.id, e.type, e.accepted_at, (SELECT max(d.seq) FROM delivery d
                WHERE d.event = e.id AND d.webhook || '' = :webhook) AS repeats
            {self._from(_SINGLY)} AND e.id > :after ORDER BY e.id LIMIT :most
            """,
            after=after,
            most=most,
            **self._values(),
        )
        return [
            Picked(
                row["id"],
                row["type"],
                row["accepted_at"],
                row["repeats"],
                DeliveryState.EXPIRED if row["repeats"] else None,
                row["id"],
            )
            for row in rows
        ]

    def _from(self, fence: str = "") -> str:
        return f"""
            FROM event e WHERE e.account = :account AND e.id <= :upto
              AND NOT EXISTS (SELECT 1 FROM delivery d
                  WHERE d.event = e.id AND d.webhook || '' = :webhook
                  AND NOT (d.state = 'expired' AND d.attempts = 0){fence})
              {_narrowed(self.bounds)}
        """

    def _values(self) -> dict[str, Any]:
        return _values(self.bounds) | {"upto": self.bounds.upto}


Source: TypeAlias = Deliveries | Missing


def source_of(bounds: Bounds) -> Source:
    return Missing(bounds) if bounds.missing else Deliveries(bounds)


def _narrowed(bounds: Bounds) -> str:
    return " ".join(f"AND {clause}" for clause in _clauses(bounds))


def _clauses(bounds: Bounds) -> Iterator[str]:
    if bounds.names is not None:
        yield "e.type = ANY(:names)"
    if bounds.since is not None:
        yield "e.accepted_at >= :since"
    if bounds.until is not None:
        yield "e.accepted_at < :until"


def _values(bounds: Bounds) -> dict[str, Any]:
    return {
        "account": bounds.account,
        "webhook": bounds.webhook,
        "names": bounds.names,
        "since": bounds.since,
        "until": bounds.until,
    }


async def _count(db: Database, source: str, values: dict[str, Any]) -> int:
    rows = await db.fetch(f"SELECT count(*) AS n {source}", **values)
    return int(rows[0]["n"])


def _sequence(id: str) -> int:
    return ids.to_sequence("dlv", id) or 0
