"""The rows of the rule, and the webhooks' turns that follow from them."""

from collections.abc import Sequence
from dataclasses import fields

from callboard.database import Database, Row, Rows
from callboard.health import plan
from callboard.health.tracker import Rule, State

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


async def read(db: Database, webhooks: list[str]) -> Sequence[Row]:
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


def state_of(row: Row) -> State:
    """A webhook that never failed has no row yet."""
    names = [field.name for field in fields(State)]
    return State(**{name: row[name] for name in names if row[name] is not None})


def rule_of(row: Row) -> Rule:
    tries = plan.tries(row["schedule"], row["delivery"])
    return Rule(row["deactivate_after"], tries)


async def write(db: Database, states: Sequence[tuple[Row, State]]) -> None:
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
