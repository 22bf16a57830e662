"""Which step is next, and what comes after it."""

from datetime import datetime

from callboard.database import Database, Row
from callboard.delivery.following import holding, letting_go
from callboard.webhooks.states import WebhookState

STEP = 1000


async def follow(db: Database, webhook: str, now: datetime) -> bool:
    """One step of a webhook's deliveries. True while there is more to do at once."""
    # First the lock: a statement that waits for it would see the others' old rows.
    found = await db.fetch(
        """
        SELECT webhook FROM turn WHERE webhook = :webhook AND follow IS NOT NULL
        FOR UPDATE
        """,
        webhook=webhook,
    )
    if not found:
        return False
    (row,) = await db.fetch(
        """
        SELECT t.follow, t.salvages_from, t.salvages_after, t.discards_before, t.cap,
               w.state, w.hold_days, s.next_run IS NOT NULL AS scheduled, h.verdict
        FROM turn t JOIN webhook w ON w.id = t.webhook
        LEFT JOIN schedule s ON s.webhook = t.webhook
        LEFT JOIN health h ON h.webhook = t.webhook
        WHERE t.webhook = :webhook
        """,
        webhook=webhook,
    )
    act = _next_act(row)
    paced = act == "release" and not row["scheduled"]
    step = await letting_go.room(db, webhook, row["cap"], now) if paced else STEP
    moved = await _STEPS[act](db, webhook, row, step, now)
    if moved == step or await _must_wait(db, webhook, row, act):
        return moved == STEP and not paced
    return await _go_on(db, webhook, row, act, now)


def _next_act(row: Row) -> str:
    """What failed is held first, then goes what is discarded; in the end all are where
    the webhook's state, whatever it is by now, wants them."""
    act: str = row["follow"]
    if act == "cancel":
        return act
    if row["salvages_from"] is not None:
        return "salvage"
    return "discard" if row["discards_before"] is not None else act


_STEPS = {
    "salvage": holding.salvage,
    "hold": holding.hold,
    "release": letting_go.release,
    "discard": letting_go.discard,
    "cancel": letting_go.cancel_all,
}


async def _must_wait(db: Database, webhook: str, row: Row, act: str) -> bool:
    """A call under way may come back as a pending delivery that must follow too."""
    if act not in ("hold", "discard", "cancel"):
        return False
    if act == "hold" and row["state"] == WebhookState.ACTIVE:
        return False
    rows = await db.fetch(
        "SELECT 1 FROM turn WHERE webhook = :webhook AND leased > 0", webhook=webhook
    )
    return bool(rows)


async def _go_on(
    db: Database, webhook: str, row: Row, done: str, now: datetime
) -> bool:
    """True if something else follows. An activated webhook has no calls before all is
    held and discarded; neither has one that is to be deactivated."""
    is_active = row["state"] == WebhookState.ACTIVE and row["verdict"] is None
    then = row["follow"]
    if done == then:
        then = "release" if done == "hold" and is_active else None
    discards = row["discards_before"] is not None and done != "discard"
    await db.fetch(
        """
        UPDATE turn SET follow = :then, next_due = :now, salvages_from = NULL,
            discards_before = CASE WHEN :discards THEN discards_before END,
            open = open OR :opens
        WHERE webhook = :webhook
        """,
        then=then,
        discards=discards,
        opens=is_active and then == "release" and not discards,
        webhook=webhook,
        now=now,
    )
    return then is not None
