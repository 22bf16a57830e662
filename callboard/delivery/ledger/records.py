"""What became of claimed deliveries, and what their webhooks may do next."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from callboard.database import Database, Rows
from callboard.delivery import turns
from callboard.delivery.ledger import riding
from callboard.delivery.ledger.attempts import INSERT, attempt_rows
from callboard.delivery.ledger.tallies import ADD, tally_rows
from callboard.delivery.ledger.values import Claimed, Recorded, Result
from callboard.delivery.states import DeliveryState, Lane, Trigger
from callboard.delivery.turns import Turn

_MOVED = {
    "webhook": "text",
    "lane": "text",
    "slots": "int",
    "leased": "int",
    "due": "timestamptz",
    "ended": "bool",
    "succeeded": "timestamptz",
}
_MOVE = """
    UPDATE turn SET
        lane = moved.lane, slots = moved.slots, leased = moved.leased,
        next_due = CASE WHEN turn.ordered AND moved.ended THEN :now
            WHEN turn.next_due IS NULL OR moved.due < turn.next_due
            THEN coalesce(moved.due, turn.next_due) ELSE turn.next_due END,
        succeeded_at = coalesce(moved.succeeded, turn.succeeded_at)
    FROM {moved} WHERE turn.webhook = moved.webhook
"""
_SETTLED = {
    "seq": "bigint",
    "lease": "text",
    "state": "text",
    "reason": "text",
    "due": "timestamptz",
    "tries": "int",
    "attempts": "int",
    "status": "int",
    "error": "text",
    "finished_at": "timestamptz",
}
# `found` stands apart so that each row costs one look-up by its key, also by a plan
# that was made while the table was small. The state is not asked for, as only what is
# pending has a lease: planned by statistics of a time when nothing waited, each look-up
# would walk through an index of all that does.
_SETTLE = """
    found AS MATERIALIZED (
        SELECT done.*, (SELECT d.seq FROM delivery d WHERE d.seq = done.seq
            AND d.lease = done.lease) AS mine
        FROM {done}
    )
    UPDATE delivery SET
        state = done.state, reason = done.reason, due = done.due, lease = NULL,
        trigger = 'plan', planned = NULL, tries = done.tries,
        attempts = done.attempts, status = done.status, error = done.error,
        finished_at = done.finished_at
    FROM found AS done WHERE delivery.seq = done.mine
    RETURNING delivery.seq
"""

# Of bodies in one statement, which PostgreSQL gets as JSON: that takes five times as
# much memory. A larger one has a statement of its own, and goes beside the JSON.
_MOST_BYTES = 4 * 1024 * 1024


async def record(
    db: Database,
    results: Sequence[Result],
    slow: frozenset[str],
    now: datetime,
    unused: Sequence[Claimed] = (),
    known: frozenset[str] = frozenset(),
) -> Recorded:
    """Attempts, states and turns of all that finished. `slow`: webhooks with a call
    under way for too long, of which the turns of the `known` say so already; `unused`:
    leases that are given back.

    A result whose lease was taken away meanwhile leaves its attempt and no other trace.
    """
    names = {each.webhook for each in unused} | (slow - known)
    names |= {result.claimed.webhook for result in results}
    if not names:
        return Recorded({}, frozenset())
    locked = await _lock_named(db, sorted(names))
    mine = await _settle(db, results)
    back = await _give_back(db, unused)
    moved = [
        _moved(turn, mine.get(name), slow, back[name], now)
        for name, turn in locked.items()
    ]
    await db.fetch_both(
        ADD,
        _MOVE,
        tallies=tally_rows(chain.from_iterable(mine.values())),
        moved=Rows(_MOVED, moved),
        now=now,
    )
    return Recorded(mine, frozenset(n for n, turn in locked.items() if turn.failing))


async def _lock_named(db: Database, webhooks: list[str]) -> dict[str, Turn]:
    rows = await db.fetch(
        """
        SELECT webhook, version, ordered, lane, cap, slots, leased, empty_looks,
               rate, tokens, tokens_at, failing
        FROM turn WHERE webhook = ANY(:webhooks) ORDER BY webhook FOR UPDATE
        """,
        webhooks=webhooks,
    )
    return {row["webhook"]: Turn(**row) for row in rows}


async def _settle(db: Database, results: Sequence[Result]) -> dict[str, list[Result]]:
    """Keeps the attempts, and sets the states of those still leased to us; these, by
    webhook, in order."""
    mine: dict[str, list[Result]] = {}
    for batch in _batches(results):
        settled = await _settle_batch(db, batch)
        for result in batch:
            if result.claimed.seq in settled:
                mine.setdefault(result.claimed.webhook, []).append(result)
    return mine


def _batches(results: Sequence[Result]) -> list[list[Result]]:
    """What one statement takes: not too much, and no delivery twice. A worker that was
    taken for dead, and lives, may have called it once more before its first call ended.
    """
    batches: list[list[Result]] = []
    seen: set[int] = set()
    size = 0
    for each in results:
        own = _size(each)
        if not batches or each.claimed.seq in seen or size + own > _MOST_BYTES:
            batches.append([])
            seen, size = set(), 0
        batches[-1].append(each)
        seen.add(each.claimed.seq)
        size += own
    return batches


def _size(result: Result) -> int:
    return len(result.sent.body or b"") + len(result.outcome.body)


async def _settle_batch(db: Database, results: Sequence[Result]) -> set[int]:
    done = Rows(_SETTLED, [_settled(each) for each in results])
    if db.is_sqlite:  # which takes no bytes in a statement with tables
        await db.insert("attempt", attempt_rows(results))
        changed = await db.fetch(f"WITH {_SETTLE}", done=done)
    else:
        large = results[0].sent.body if _size(results[0]) > _MOST_BYTES else None
        attempts = attempt_rows(results, large)
        both = f"WITH made AS ({INSERT}), {_SETTLE}"
        changed = await db.fetch(both, attempts=attempts, done=done, large=large)
    return {row["seq"] for row in changed}


def _settled(done: Result) -> tuple[object, ...]:
    claimed, outcome = done.claimed, done.outcome
    return (
        claimed.seq,
        claimed.lease,
        done.state,
        done.reason,
        done.due,
        claimed.tries + (claimed.trigger != Trigger.HAND),
        claimed.attempts + 1,
        outcome.status,
        outcome.error,
        None if done.state is DeliveryState.PENDING else done.ended_at,
    )


async def _give_back(db: Database, unused: Sequence[Claimed]) -> Counter[str]:
    """Returns how many, by webhook. A call may have been given up after others had
    boarded."""
    if not unused:
        return Counter()
    await riding.free(db, [(c.bucket, c.lease) for c in unused if c.bucket])
    rows = await db.fetch(
        """
        UPDATE delivery SET lease = NULL FROM {unused}
        WHERE delivery.seq = unused.seq AND delivery.lease = unused.lease
        RETURNING delivery.webhook
        """,
        unused=Rows(
            {"seq": "bigint", "lease": "text"},
            [(each.seq, each.lease) for each in unused],
        ),
    )
    return Counter(row["webhook"] for row in rows)


def _moved(
    turn: Turn,
    ended: list[Result] | None,
    slow: frozenset[str],
    back: int,
    now: datetime,
) -> tuple[object, ...]:
    still_slow = turn.webhook in slow
    calls = [r.outcome.seconds for r in ended or () if not r.claimed.rides]
    if calls:
        turn = turns.after_calls(turn, calls, still_slow)
    elif still_slow:
        turn = replace(turn, lane=Lane.PATIENT, slots=1)
    due = min((r.due for r in ended or () if r.due is not None), default=None)
    due = now if back else due
    good = (r for r in ended or () if r.state is DeliveryState.DELIVERED)
    succeeded = max((r.ended_at for r in good), default=None)
    leased = turn.leased - back
    return turn.webhook, turn.lane, turn.slots, leased, due, bool(ended), succeeded
