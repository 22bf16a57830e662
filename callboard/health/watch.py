"""Keeps the rows of the rule up to date, in the transaction that records the calls.

Costs nothing for webhooks whose calls succeed and had not failed before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from callboard.database import Database, Row, as_time
from callboard.delivery import following
from callboard.delivery.ledger import Recorded, Result
from callboard.delivery.states import DeliveryState
from callboard.health import states, tracker
from callboard.health.tracker import Seen, Signal
from callboard.outcome import ErrorClass
from callboard.retry import GONE
from callboard.webhooks.states import WebhookState


@dataclass(frozen=True, slots=True)
class Told:
    """A signal about one webhook."""

    account: str
    webhook: str
    signal: Signal


async def observe(db: Database, recorded: Recorded, now: datetime) -> list[Told]:
    """What has to be told. A verdict is written down and the webhook's turn closed; to
    deactivate it needs locks that nobody may wait for here."""
    calls = {
        webhook: results
        for webhook, results in recorded.mine.items()
        if webhook in recorded.failing or not all(map(_passed, results))
    }
    if not calls:
        return []
    rows = await states.read(db, sorted(calls))
    firsts = await _first_tries(db, calls)
    told, moved = [], []
    for row in rows:
        counting, late = _parted(row, calls[row["id"]])
        await _hold_latecomers(db, row, late)
        if counting:
            seen = [_seen(each, firsts) for each in counting if not each.claimed.rides]
            state, signals = tracker.track(
                states.state_of(row), states.rule_of(row), seen, now
            )
            moved.append((row, state))
            told += [Told(row["account"], row["id"], signal) for signal in signals]
    await states.write(db, moved)
    return told


async def waiting_verdicts(db: Database, most: int) -> list[str]:
    """Webhooks that are to be deactivated."""
    rows = await db.fetch(
        "SELECT webhook FROM health WHERE verdict IS NOT NULL"
        " ORDER BY webhook LIMIT :most",
        most=most,
    )
    return [row["webhook"] for row in rows]


async def count_test(db: Database, webhook: str, most: int) -> bool:
    """False when so many test calls were made from the link already."""
    rows = await db.fetch(
        """
        UPDATE health SET tests = tests + 1
        WHERE webhook = :webhook AND tests < :most RETURNING tests
        """,
        webhook=webhook,
        most=most,
    )
    return bool(rows)


def _passed(result: Result) -> bool:
    return result.state is DeliveryState.DELIVERED


async def _first_tries(
    db: Database, calls: dict[str, list[Result]]
) -> dict[int, tuple[datetime, int]]:
    """Of failed deliveries tried before: when their first try began, and how many
    there were, since the webhook was last activated."""
    again = [
        result.claimed.seq
        for results in calls.values()
        for result in results
        if result.claimed.attempts and not _passed(result)
    ]
    if not again:
        return {}
    rows = await db.fetch(
        """
        SELECT a.delivery, min(a.started_at) AS first_at, count(*) AS tries
        FROM attempt a WHERE a.delivery = ANY(:again) AND a.started_at >= (
            SELECT w.state_since FROM delivery d JOIN webhook w ON w.id = d.webhook
            WHERE d.seq = a.delivery)
        GROUP BY a.delivery
        """,
        again=again,
    )
    return {row["delivery"]: (as_time(row["first_at"]), row["tries"]) for row in rows}


def _seen(result: Result, firsts: dict[int, tuple[datetime, int]]) -> Seen:
    outcome = result.outcome
    first_at, tries = firsts.get(result.claimed.seq, (result.started_at, 1))
    passed = _passed(result)
    return Seen(
        delivery=result.claimed.seq,
        first_at=first_at,
        started_at=result.started_at,
        ended_at=result.ended_at,
        tries=tries,
        passed=passed,
        lost=result.state is DeliveryState.FAILED,
        unmade=outcome.error is ErrorClass.VALUE,
        gone=not passed and outcome.status == GONE and outcome.error is None,
        status=outcome.status,
        error=outcome.error,
        detail=outcome.detail,
    )


def _parted(
    row: Row, results: Sequence[Result]
) -> tuple[Sequence[Result], Sequence[Result]]:
    """What counts; and what does not because its call was under way when the webhook
    was stopped: failures before its latest activation, and after a verdict."""
    if row["state"] != WebhookState.ACTIVE or row["verdict"] is not None:
        late = results if row["cause"] or row["verdict"] else ()
        return [], late

    def is_late(result: Result) -> bool:
        return result.started_at < row["state_since"] and not _passed(result)

    late = [each for each in results if is_late(each)]
    return [each for each in results if not is_late(each)], late


async def _hold_latecomers(db: Database, row: Row, late: Sequence[Result]) -> None:
    """What failed for good is held with the others, or goes again with them."""
    lost = [
        each.claimed.seq
        for each in late
        if each.state is DeliveryState.FAILED
        and each.outcome.error is not ErrorClass.VALUE
    ]
    if not lost or not row["hold_days"]:
        return
    await following.keep(db, lost, row["hold_days"])
    await db.fetch(
        "UPDATE turn SET follow = coalesce(follow, CASE WHEN open THEN 'release'"
        " ELSE 'hold' END) WHERE webhook = :webhook",
        webhook=row["id"],
    )
