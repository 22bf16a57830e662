"""Which step is next, and what comes after it."""

from datetime import datetime

from callboard.database import Database, Row
from callboard.delivery.following import holding, letting_go
from callboard.delivery.waking import wake
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
        SELECT t.follow, t.open, t.salvages_from, t.salvages_after, t.discards_to,
               t.gap_from, t.gap_to, t.cap, w.state, w.hold_days,
               s.next_run IS NOT NULL AS scheduled, h.verdict
        FROM turn t JOIN webhook w ON w.id = t.webhook
        LEFT JOIN schedule s ON s.webhook = t.webhook
        LEFT JOIN health h ON h.webhook = t.webhook
        WHERE t.webhook = :webhook
        """,
        webhook=webhook,
    )
    return await _step(db, webhook, row, now)


async def _step(db: Database, webhook: str, row: Row, now: datetime) -> bool:
    """Gently, where calls go on meanwhile: these need the turn's lock, too."""
    act = _next_act(row)
    gently = row["open"] and not row["scheduled"]
    step = STEP
    if gently:  # the claim does not look for what was held, nor into a gap
        await wake(db, webhook, now)
    if gently and act == "release":
        await _narrow(db, webhook, row, now)
        step = await letting_go.room(db, webhook, row, now)
    moved = await _STEPS[act](db, webhook, row, step, now)
    if moved == step or await _must_wait(db, webhook, row, act):
        return moved == STEP and not gently
    return await _go_on(db, webhook, row, act, now)


def _next_act(row: Row) -> str:
    """What failed is held first, then goes what is discarded; in the end all are where
    the webhook's state, whatever it is by now, wants them."""
    act: str = row["follow"]
    if act == "cancel":
        return act
    if row["salvages_from"] is not None:
        return "salvage"
    return "discard" if row["discards_to"] is not None else act


_STEPS = {
    "salvage": holding.salvage,
    "hold": holding.hold,
    "release": letting_go.release,
    "discard": letting_go.discard,
    "cancel": letting_go.cancel_all,
}


async def _narrow(db: Database, webhook: str, row: Row, now: datetime) -> None:
    """Puts on hold what is pending in the gap. Once nothing there can be mistaken for
    a delivery that may be called, the gap goes, and claims are as quick as ever."""
    if row["gap_to"] and await holding.hold(db, webhook, row, STEP, now) < STEP:
        await db.fetch(
            "UPDATE turn SET gap_from = 0, gap_to = 0 WHERE webhook = :webhook",
            webhook=webhook,
        )


async def _must_wait(db: Database, webhook: str, row: Row, act: str) -> bool:
    """A call under way may come back as a pending delivery that must follow too."""
    if act == "discard":
        return await letting_go.is_discarding(db, webhook, row)
    if act not in ("hold", "cancel"):
        return False
    rows = await db.fetch(
        "SELECT 1 FROM turn WHERE webhook = :webhook AND leased > 0", webhook=webhook
    )
    return bool(rows)


async def _go_on(
    db: Database, webhook: str, row: Row, done: str, now: datetime
) -> bool:
    """True if something else follows. An activated webhook has no calls before what
    failed is held; neither has one that is to be deactivated."""
    is_active = row["state"] == WebhookState.ACTIVE and row["verdict"] is None
    then = None if done == row["follow"] else row["follow"]
    await db.fetch(
        """
        UPDATE turn SET follow = :then, next_due = :now, salvages_from = NULL,
            discards_to = CASE WHEN :discards THEN discards_to END,
            gap_to = CASE WHEN :ends THEN 0 ELSE gap_to END,
            open = open OR :opens
        WHERE webhook = :webhook
        """,
        then=then,
        discards=row["discards_to"] is not None and done != "discard",
        ends=then is None,
        opens=is_active and then == "release",
        webhook=webhook,
        now=now,
    )
    return then is not None
