"""The ledger check: proves that nothing accepted was lost, and finds what is stuck.

It must be able to fail: each event stores how many deliveries its receipt named, and
that is compared with the rows there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callboard.database import Database, reading

_STUCK = timedelta(seconds=60)
_SOON = timedelta(seconds=5)
_LONGEST_PACE = timedelta(seconds=10_005)  # at the lowest rate that a webhook may have
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """`examples`: some of the ids."""

    what: str
    count: int
    examples: tuple[str, ...]


_CHECKS: Sequence[tuple[str, str]] = (
    (
        "events with other deliveries than their receipt named",
        """
        SELECT e.id FROM event e WHERE e.deliveries != (
            SELECT count(*) FROM delivery d
            WHERE d.event = e.id AND NOT d.extra)
        """,
    ),
    (
        "deliveries without their event",
        """
        SELECT CAST(d.seq AS varchar) AS id FROM delivery d
        WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.id = d.event)
        """,
    ),
    (
        "deliveries in a state that no rule allows",
        """
        SELECT CAST(seq AS varchar) AS id FROM delivery WHERE tries > attempts OR NOT (
            (state = 'pending' AND finished_at IS NULL AND (due IS NOT NULL
                OR EXISTS (SELECT 1 FROM schedule s
                    WHERE s.webhook = delivery.webhook)))
            OR (state = 'held' AND held_until IS NOT NULL AND lease IS NULL
                AND due IS NULL AND finished_at IS NULL)
            OR (state = 'delivered' AND lease IS NULL AND due IS NULL
                AND finished_at IS NOT NULL)
            OR (state IN ('failed', 'expired', 'cancelled') AND lease IS NULL
                AND due IS NULL AND finished_at IS NOT NULL AND reason IS NOT NULL))
        """,
    ),
    (
        "delivered deliveries without an attempt that says so",
        """
        SELECT CAST(d.seq AS varchar) AS id FROM delivery d
        WHERE d.state = 'delivered' AND NOT EXISTS (
            SELECT 1 FROM attempt a WHERE a.delivery = d.seq AND a.error IS NULL)
        """,
    ),
    (
        "due deliveries that nobody looks at",
        """
        SELECT CAST(d.seq AS varchar) AS id FROM turn t
        JOIN delivery d ON d.webhook = t.webhook
        WHERE t.open AND d.state = 'pending' AND d.lease IS NULL AND d.due < :stuck
          AND t.leased < t.slots AND NOT (d.seq >= t.gap_from AND d.seq < t.gap_to)
          AND (NOT t.ordered OR d.seq = (SELECT min(first.seq) FROM delivery first
              WHERE first.webhook = t.webhook AND first.state IN ('pending', 'held')))
          AND (t.next_due IS NULL
               OR t.rate IS NULL AND t.next_due > :soon OR t.next_due > :paced
               OR t.next_due < :stuck AND t.lane NOT IN (
                   SELECT lane FROM turn WHERE served >= :served))
        """,
    ),
    (
        "deliveries that wait for a run that is not planned",
        """
        SELECT CAST(d.seq AS varchar) AS id FROM schedule s
        JOIN turn t ON t.webhook = s.webhook JOIN delivery d ON d.webhook = s.webhook
        WHERE t.open AND s.next_run IS NULL AND s.planned_at < :stuck
          AND d.state = 'pending' AND d.lease IS NULL AND d.due IS NULL
        """,
    ),
    (
        "scheduled runs that nobody begins",
        """
        SELECT s.webhook AS id FROM schedule s JOIN turn t ON t.webhook = s.webhook
        WHERE t.open AND t.follow IS NULL AND s.next_run < :stuck AND s.going IS NULL
        """,
    ),
    (
        "scheduled runs that nobody ends",
        """
        SELECT s.webhook AS id FROM schedule s LEFT JOIN run r ON r.id = s.going
        WHERE s.going IS NOT NULL AND (r.id IS NULL OR r.started_at < :stuck)
          AND NOT EXISTS (SELECT 1 FROM delivery d
            WHERE d.run = s.going AND d.state = 'pending'
              AND (d.lease IS NOT NULL OR d.due IS NOT NULL))
          AND NOT EXISTS (SELECT 1 FROM delivery d JOIN attempt a ON a.delivery = d.seq
            WHERE d.run = s.going AND a.started_at > :stuck)
        """,
    ),
    (
        "deliveries that did not follow their webhook",
        """
        SELECT CAST(d.seq AS varchar) AS id FROM turn t
        JOIN delivery d ON d.webhook = t.webhook
        WHERE t.follow IS NULL AND (t.open AND d.state = 'held'
            OR NOT t.open AND d.state = 'pending' AND NOT EXISTS (
                SELECT 1 FROM health h
                WHERE h.webhook = t.webhook AND h.verdict IS NOT NULL))
        """,
    ),
    (
        "webhooks that are to be deactivated, which nobody does",
        """
        SELECT webhook AS id FROM health WHERE verdict IS NOT NULL AND last_at < :stuck
        """,
    ),
    (
        "leases of workers that are no more",
        """
        SELECT CAST(d.seq AS varchar) AS id FROM delivery d
        WHERE d.lease IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM worker w
            WHERE d.lease LIKE w.id || '/%' AND w.beat_at > :stuck)
        """,
    ),
    (
        "webhooks whose count of calls in flight is wrong",
        """
        SELECT t.webhook AS id FROM turn t WHERE t.leased != (
            SELECT count(*) FROM delivery d
            WHERE d.webhook = t.webhook AND d.state = 'pending'
              AND d.lease IS NOT NULL AND d.due IS NOT NULL)
        """,
    ),
    (
        "replays whose deliveries do not add up",
        """
        SELECT r.id FROM replay r WHERE r.made > r.total OR r.made !=
            r.delivered + r.failed + r.expired + r.cancelled + r.forgotten
            + (SELECT count(*) FROM replay_delivery l WHERE l.replay = r.id)
        """,
    ),
    (
        "replays that nobody takes further",
        """
        SELECT r.id FROM replay r WHERE r.next_at < :stuck OR r.next_at IS NULL
          AND (r.state = 'running' OR EXISTS (
            SELECT 1 FROM replay_delivery l WHERE l.replay = r.id))
        """,
    ),
    (
        "webhooks whose turn does not say what they do",
        """
        SELECT w.id FROM webhook w JOIN turn t ON t.webhook = w.id
        WHERE t.version != w.version
          OR t.open AND w.state != 'active' OR t.gap_to > 0 AND t.follow IS NULL
          OR NOT t.open AND w.state = 'active' AND t.follow IS NULL
            AND NOT EXISTS (SELECT 1 FROM health h
              WHERE h.webhook = w.id AND h.verdict IS NOT NULL)
        """,
    ),
    (
        "webhooks without a turn",
        """
        SELECT w.id FROM webhook w
        WHERE NOT EXISTS (SELECT 1 FROM turn t WHERE t.webhook = w.id)
        """,
    ),
)


async def ledger(now: datetime) -> list[Finding]:
    """Empty when all is well. Reads every row: minutes on a very large database."""
    found = []
    async with reading() as db:
        for what, sql in _CHECKS:
            if finding := await _look(db, what, sql, now):
                found.append(finding)
    return found


async def _look(db: Database, what: str, sql: str, now: datetime) -> Finding | None:
    """`served`: a lane that was looked at since is busy, not stuck."""
    stuck = now - _STUCK
    values = {
        "stuck": stuck,
        "soon": now + _SOON,
        "paced": now + _LONGEST_PACE,
        "served": int(stuck.timestamp() * 1_000_000),
    }
    given = {name: value for name, value in values.items() if f":{name}" in sql}
    rows = await db.fetch(
        f"""
        WITH found AS ({sql})
        SELECT id, (SELECT count(*) FROM found) AS n FROM found LIMIT {_SHOWN}
        """,
        **given,
    )
    if not rows:
        return None
    return Finding(what, int(rows[0]["n"]), tuple(row["id"] for row in rows))
