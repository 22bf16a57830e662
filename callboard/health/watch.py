"""Keeps the rows of the rule up to date, in the transaction that records the calls.

Costs nothing for webhooks whose calls succeed and had not failed before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from callboard.database import Database, Row, Rows
from callboard.delivery import following
from callboard.delivery.ledger import Recorded, Result
from callboard.delivery.states import DeliveryState
from callboard.health import plan, tracker
from callboard.health.tracker import Rule, Seen, Signal, State
from callboard.outcome import ErrorClass
from callboard.retry import GONE
from callboard.webhooks.states import WebhookState

_KEPT = {
    "since": "timestamptz",
    "tries": "int",
    "lost": "int",
    "first_lost": "bigint",
    "verdict": "text",
    "told": "bool",
    "told_at": "timestamptz",
    "alarmed": "bool",
    "reminded": "bool",
    "tests": "int",
    "last_at": "timestamptz",
    "last_status": "int",
    "last_error": "text",
    "last_detail": "text",
}


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
    rows = await _read(db, sorted(calls))
    firsts = await _first_tries(db, calls)
    told, states = [], []
    for row in rows:
        counting, late = _parted(row, calls[row["id"]])
        await _hold_latecomers(db, row, late)
        if counting:
            seen = [_seen(each, firsts) for each in counting if not each.claimed.rides]
            state, signals = tracker.track(_state(row), _rule(row), seen, now)
            states.append((row, state))
            told += [Told(row["account"], row["id"], signal) for signal in signals]
    await _write(db, states)
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


async def _read(db: Database, webhooks: list[str]) -> Sequence[Row]:
    return await db.fetch(
        f"""
        SELECT w.id, w.account, w.state, w.state_since, w.cause, w.hold_days,
               w.deactivate_after, w.schedule, w.delivery,
               t.succeeded_at, {", ".join(f"h.{name}" for name in _KEPT)}
        FROM webhook w JOIN turn t ON t.webhook = w.id
        LEFT JOIN health h ON h.webhook = w.id
        WHERE w.id = ANY(:webhooks) ORDER BY w.id
        """,
        webhooks=webhooks,
    )


def _state(row: Row) -> State:
    """A webhook that never failed has no row yet."""
    names = [field.name for field in fields(State)]
    return State(**{name: row[name] for name in names if row[name] is not None})


def _rule(row: Row) -> Rule:
    tries = plan.tries(row["schedule"], row["delivery"])
    return Rule(row["deactivate_after"], tries)


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
        FROM attempt a JOIN delivery d ON d.seq = a.delivery
        JOIN webhook w ON w.id = d.webhook
        WHERE a.delivery = ANY(:again) AND a.started_at >= w.state_since
        GROUP BY a.delivery
        """,
        again=again,
    )
    return {row["delivery"]: (_time(row["first_at"]), row["tries"]) for row in rows}


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


async def _write(db: Database, states: Sequence[tuple[Row, State]]) -> None:
    if not states:
        return
    rows = [(r["id"], *(getattr(state, name) for name in _KEPT)) for r, state in states]
    names = ", ".join(_KEPT)
    await db.fetch(
        f"""
        INSERT INTO health (webhook, {names})
        SELECT webhook, {names} FROM {{kept}} WHERE true
        ON CONFLICT (webhook) DO UPDATE SET
            {", ".join(f"{name} = excluded.{name}" for name in _KEPT)}
        """,
        kept=Rows({"webhook": "text", **_KEPT}, rows),
    )
    await db.fetch(
        "UPDATE turn SET failing = moved.failing FROM {moved}"
        " WHERE turn.webhook = moved.webhook",
        moved=Rows(
            {"webhook": "text", "failing": "bool"},
            [(row["id"], not state.is_quiet) for row, state in states],
        ),
    )
    await _stop(db, [each for each in states if each[1].verdict is not None])


async def _stop(db: Database, stopped: Sequence[tuple[Row, State]]) -> None:
    """No more calls, and what failed since the last success is to be held first."""
    if not stopped:
        return
    columns = {"webhook": "text", "lost_from": "bigint", "after": "timestamptz"}
    moved = [
        (row["id"], state.first_lost if row["hold_days"] else None, state.succeeded_at)
        for row, state in stopped
    ]
    await db.fetch(
        """
        UPDATE turn SET open = false, follow = 'hold',
            salvages_from = moved.lost_from, salvages_after = moved.after
        FROM {moved} WHERE turn.webhook = moved.webhook
        """,
        moved=Rows(columns, moved),
    )


def _time(value: Any) -> datetime:
    """SQLite tells no type for an expression."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
