"""Every state change of a delivery, each compare-and-set, all in batches.

`enter` → `claim` → `record` is a delivery's ordinary life; `free` takes the leases of
a dead worker away; the rest are acts of people. Functions take the `Database` of the
caller's `writing()` block. Values are structs: made thousands of times a second, they
cost a tenth of what dataclasses do.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from callboard.database import Database, Row, Rows
from callboard.delivery import turns
from callboard.delivery.states import DeliveryState, Lane, Trigger
from callboard.delivery.turns import Turn
from callboard.outcome import Outcome

# A claim looks at no more webhooks at once.
_WIDEST_CLAIM = 256


class NewDelivery(msgspec.Struct, frozen=True, gc=False):
    """`due` for pending, `held_until` for held, the end and its reason for others."""

    event: str
    account: str
    webhook: str
    state: DeliveryState
    due: datetime | None
    held_until: datetime | None
    created_at: datetime
    finished_at: datetime | None = None
    reason: str | None = None
    repeats: int | None = None
    extra: bool = False
    trigger: Trigger = Trigger.PLAN


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A delivery leased to this worker, with the event that it carries."""

    seq: int
    lease: str
    account: str
    webhook: str
    version: int
    trigger: Trigger
    tries: int
    attempts: int
    planned: datetime | None
    event: str
    type: str
    data: str
    context: str
    occurred_at: datetime


class Sent(msgspec.Struct, frozen=True, gc=False):
    """The call that was made; secrets in `headers` are masked already."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


class Result(msgspec.Struct, frozen=True, gc=False):
    """A claimed delivery after its call, and what was decided about it."""

    claimed: Claimed
    sent: Sent
    started_at: datetime
    outcome: Outcome
    state: DeliveryState
    due: datetime | None
    reason: str | None
    ended_at: datetime


class Recorded(msgspec.Struct, frozen=True):
    """`mine`: by webhook, what was still leased to us; `failing`: see `Turn`."""

    mine: dict[str, list[Result]]
    failing: frozenset[str]


async def enter(db: Database, deliveries: Sequence[NewDelivery], now: datetime) -> None:
    """New rows, and a nudge for webhooks that were asleep."""
    columns = {
        "event": "text",
        "account": "text",
        "webhook": "text",
        "state": "text",
        "due": "timestamptz",
        "held_until": "timestamptz",
        "created_at": "timestamptz",
        "finished_at": "timestamptz",
        "reason": "text",
        "repeats": "bigint",
        "extra": "bool",
        "trigger": "text",
    }
    rows = [
        (
            d.event,
            d.account,
            d.webhook,
            d.state,
            d.due,
            d.held_until,
            d.created_at,
            d.finished_at,
            d.reason,
            d.repeats,
            d.extra,
            d.trigger,
        )
        for d in deliveries
    ]
    await db.insert("delivery", Rows(columns, rows))
    pending = {d.webhook for d in deliveries if d.state is DeliveryState.PENDING}
    await nudge(db, sorted(pending), now)


async def nudge(db: Database, webhooks: list[str], now: datetime) -> None:
    """Only those that sleep: the row of a busy webhook stays unlocked."""
    await db.fetch(
        """
        UPDATE turn SET next_due = :now, empty_looks = 0 WHERE webhook IN (
            SELECT webhook FROM turn
            WHERE webhook = ANY(:webhooks) AND (next_due IS NULL OR next_due > :now)
            ORDER BY webhook FOR UPDATE
        )
        """,
        webhooks=webhooks,
        now=now,
    )


async def claim(
    db: Database, lane: Lane, free: int, lease: str, now: datetime
) -> list[Claimed]:
    """Leases up to `free` due deliveries, in turn over accounts, then webhooks."""
    waiting = await _lock_turns(db, lane, min(free, _WIDEST_CLAIM), now)
    if not waiting:
        return []
    takes = turns.share(free, [turns.allowance(turn, now) for turn in waiting])
    pick = _pick_sqlite if db.is_sqlite else _pick_postgres
    picked = await pick(db, waiting, takes, now)
    versions = {turn.webhook: turn.version for turn in waiting}
    claimed = [
        Claimed(lease=lease, version=versions[row["webhook"]], **row) for row in picked
    ]
    await db.fetch(
        "UPDATE delivery SET lease = :lease WHERE seq = ANY(:seqs)",
        lease=lease,
        seqs=[each.seq for each in claimed],
    )
    await _advance(db, waiting, takes, claimed, now)
    return claimed


async def _lock_turns(
    db: Database, lane: Lane, limit: int, now: datetime
) -> list[Turn]:
    rows = await db.fetch(
        """
        SELECT webhook, version, ordered, lane, cap, slots, leased, empty_looks,
               rate, tokens, tokens_at
        FROM turn
        WHERE open AND lane = :lane AND next_due <= :now AND leased < slots
          AND webhook IN (
            SELECT webhook FROM (
                SELECT webhook, served,
                       row_number() OVER (PARTITION BY account ORDER BY served) AS place
                FROM turn
                WHERE open AND lane = :lane AND next_due <= :now AND leased < slots
            ) AS ranked
            ORDER BY place, served LIMIT :most
        )
        ORDER BY webhook FOR UPDATE SKIP LOCKED
        """,
        lane=lane,
        now=now,
        most=limit,
    )
    return [Turn(**row) for row in rows]


# The head of an ordered webhook is its oldest waiting delivery, held ones included: it
# goes next or nothing goes.
_HEAD = """
    SELECT d.seq FROM delivery d
    WHERE d.webhook = {webhook} AND d.state = 'pending' AND d.lease IS NULL
      AND d.due <= :now
      AND d.seq = (SELECT min(seq) FROM delivery
                   WHERE webhook = {webhook} AND state = 'pending')
      AND NOT EXISTS (SELECT 1 FROM delivery h WHERE h.webhook = {webhook}
                      AND h.state = 'held' AND h.seq < d.seq)
"""
_OLDEST_DUE = """
    SELECT d.seq FROM delivery d
    WHERE d.webhook = {webhook} AND d.state = 'pending' AND d.lease IS NULL
      AND d.due <= :now
    ORDER BY d.due, d.seq LIMIT {take}
"""
_CLAIMED = """
    SELECT d.seq, d.account, d.webhook, d.trigger, d.tries, d.attempts, d.planned,
           d.event, e.type, e.data, e.context, e.occurred_at
    FROM ({seqs}) AS picked
    JOIN delivery d ON d.seq = picked.seq
    JOIN event e ON e.id = d.event
    ORDER BY d.seq
"""
_PICK_POSTGRES = _CLAIMED.format(
    seqs=f"""
    SELECT oldest.seq FROM {{loose}} CROSS JOIN LATERAL (
        {_OLDEST_DUE.format(webhook="loose.webhook", take="loose.take")}) AS oldest
    UNION ALL
    SELECT head.seq FROM {{ordered}} CROSS JOIN LATERAL (
        {_HEAD.format(webhook="ordered.webhook")}) AS head
    """
)
_PICK_SQLITE = {
    True: _CLAIMED.format(seqs=_HEAD.format(webhook=":webhook") + " LIMIT :take"),
    False: _CLAIMED.format(seqs=_OLDEST_DUE.format(webhook=":webhook", take=":take")),
}
_TAKES = {"webhook": "text", "take": "int"}


async def _pick_postgres(
    db: Database, waiting: Sequence[Turn], takes: Sequence[int], now: datetime
) -> Sequence[Row]:
    pairs = [(turn, take) for turn, take in zip(waiting, takes, strict=True) if take]
    loose = [(turn.webhook, take) for turn, take in pairs if not turn.ordered]
    ordered = [(turn.webhook, take) for turn, take in pairs if turn.ordered]
    return await db.fetch(
        _PICK_POSTGRES,
        loose=Rows(_TAKES, loose),
        ordered=Rows(_TAKES, ordered),
        now=now,
    )


async def _pick_sqlite(
    db: Database, waiting: Sequence[Turn], takes: Sequence[int], now: datetime
) -> Sequence[Row]:
    """SQLite has no LATERAL; it has no network between us either."""
    picked: list[Row] = []
    for turn, take in zip(waiting, takes, strict=True):
        if take:
            statement = _PICK_SQLITE[turn.ordered]
            picked += await db.fetch(
                statement, webhook=turn.webhook, take=take, now=now
            )
    return picked


async def _advance(
    db: Database,
    waiting: Sequence[Turn],
    takes: Sequence[int],
    claimed: Sequence[Claimed],
    now: datetime,
) -> None:
    """The turns move on: what they have in flight, and when they want a look again.

    Where a turn got all that it could take there may be more now, and nobody asks.
    """
    taken: dict[str, int] = {}
    for each in claimed:
        taken[each.webhook] = taken.get(each.webhook, 0) + 1
    rows = []
    for turn, take in zip(waiting, takes, strict=True):
        count = taken.get(turn.webhook, 0)
        full = 0 < take == count
        looks = 0 if count else turn.empty_looks
        left = turns.tokens(turn, now) - count if turn.rate is not None else 0.0
        again = None if db.is_sqlite else turns.look_again(looks, now)
        not_before = turns.next_token(turn, left, now)
        rows.append((turn.webhook, count, full, looks + 1, left, again, not_before))
    columns = {
        "webhook": "text",
        "taken": "int",
        "got_all": "bool",
        "looks": "int",
        "tokens": "float8",
        "again": "timestamptz",
        "not_before": "timestamptz",
    }
    await db.fetch(
        """
        UPDATE turn SET
            leased = turn.leased + moved.taken, served = :served,
            tokens = moved.tokens, tokens_at = :now,
            empty_looks = moved.looks,
            next_due = CASE WHEN moved.waits_from < moved.not_before
                THEN moved.not_before
                ELSE coalesce(moved.waits_from, moved.again) END
        FROM (
            SELECT moved.*, CASE WHEN t.ordered
                THEN (SELECT due FROM delivery d WHERE d.webhook = moved.webhook
                      AND d.state = 'pending' AND moved.taken = 0
                      ORDER BY d.seq LIMIT 1)
                WHEN moved.got_all THEN :now
                ELSE (SELECT min(due) FROM delivery d WHERE d.webhook = moved.webhook
                      AND d.state = 'pending' AND d.lease IS NULL)
                END AS waits_from
            FROM {moved} JOIN turn t ON t.webhook = moved.webhook
        ) AS moved
        WHERE turn.webhook = moved.webhook
        """,
        moved=Rows(columns, rows),
        served=int(now.timestamp() * 1_000_000),
        now=now,
    )


async def next_due(db: Database) -> datetime | None:
    """When a webhook that has a call free wants to be looked at next."""
    rows = await db.fetch(
        """
        SELECT next_due FROM turn WHERE open AND leased < slots
          AND next_due IS NOT NULL
        ORDER BY next_due LIMIT 1
        """
    )
    due: datetime | None = rows[0]["next_due"] if rows else None
    return due


async def record(
    db: Database, results: Sequence[Result], slow: frozenset[str], now: datetime
) -> Recorded:
    """Attempts, states and turns of all that finished; `slow`: webhooks with a call
    under way for too long.

    A result whose lease was taken away meanwhile leaves its attempt and no other trace.
    """
    names = {result.claimed.webhook for result in results} | slow
    if not names:
        return Recorded({}, frozenset())
    locked = await _lock_named(db, sorted(names))
    await _insert_attempts(db, results)
    mine: dict[str, list[Result]] = {}
    for batch in _batches(results):
        for webhook, settled in (await _settle(db, batch)).items():
            mine.setdefault(webhook, []).extend(settled)
    await _tally(db, mine)
    moved = [_moved(turn, mine.get(name), slow) for name, turn in locked.items()]
    await db.fetch(
        """
        UPDATE turn SET
            lane = moved.lane, slots = moved.slots, leased = moved.leased,
            next_due = CASE WHEN turn.ordered AND moved.ended THEN :now
                WHEN turn.next_due IS NULL OR moved.due < turn.next_due
                THEN coalesce(moved.due, turn.next_due) ELSE turn.next_due END,
            succeeded_at = coalesce(moved.succeeded, turn.succeeded_at)
        FROM {moved} WHERE turn.webhook = moved.webhook
        """,
        moved=Rows(
            {
                "webhook": "text",
                "lane": "text",
                "slots": "int",
                "leased": "int",
                "due": "timestamptz",
                "ended": "bool",
                "succeeded": "timestamptz",
            },
            moved,
        ),
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


def _moved(
    turn: Turn, ended: list[Result] | None, slow: frozenset[str]
) -> tuple[object, ...]:
    still_slow = turn.webhook in slow
    if ended:
        turn = turns.after_calls(turn, [r.outcome.seconds for r in ended], still_slow)
    elif still_slow:
        turn = replace(turn, lane=Lane.PATIENT, slots=1)
    due = min((r.due for r in ended or () if r.due is not None), default=None)
    good = (r for r in ended or () if r.state is DeliveryState.DELIVERED)
    succeeded = max((r.ended_at for r in good), default=None)
    return turn.webhook, turn.lane, turn.slots, turn.leased, due, bool(ended), succeeded


def _batches(results: Sequence[Result]) -> list[Sequence[Result]]:
    """One, unless a delivery is in it twice: a worker that was taken for dead, and
    lives, may have called it once more before its first call ended."""
    batches: list[Sequence[Result]] = []
    while results:
        first = {each.claimed.seq: each for each in reversed(results)}
        batches.append([each for each in results if first[each.claimed.seq] is each])
        results = [each for each in results if first[each.claimed.seq] is not each]
    return batches


async def _settle(db: Database, results: Sequence[Result]) -> dict[str, list[Result]]:
    """Sets the states of those still leased to us; these, by webhook, in order.

    `found` stands apart so that each row costs one look-up by its key, also by a plan
    that was made while the table was small.
    """
    columns = {
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
    rows = [
        (
            r.claimed.seq,
            r.claimed.lease,
            r.state,
            r.reason,
            r.due,
            r.claimed.tries + (r.claimed.trigger != Trigger.HAND),
            r.claimed.attempts + 1,
            r.outcome.status,
            r.outcome.error,
            None if r.state is DeliveryState.PENDING else r.ended_at,
        )
        for r in results
    ]
    changed = await db.fetch(
        """
        WITH found AS MATERIALIZED (
            SELECT done.*, (SELECT d.seq FROM delivery d WHERE d.seq = done.seq
                AND d.lease = done.lease AND d.state = 'pending') AS mine
            FROM {done}
        )
        UPDATE delivery SET
            state = done.state, reason = done.reason, due = done.due, lease = NULL,
            trigger = 'plan', planned = NULL, tries = done.tries,
            attempts = done.attempts, status = done.status, error = done.error,
            finished_at = done.finished_at
        FROM found AS done WHERE delivery.seq = done.mine
        RETURNING delivery.seq
        """,
        done=Rows(columns, rows),
    )
    mine = {row["seq"] for row in changed}
    by_webhook: dict[str, list[Result]] = {}
    for result in results:
        if result.claimed.seq in mine:
            by_webhook.setdefault(result.claimed.webhook, []).append(result)
    return by_webhook


async def _tally(db: Database, mine: dict[str, list[Result]]) -> None:
    counts: dict[tuple[str, datetime], list[int]] = {}
    accounts = {}
    places = {DeliveryState.DELIVERED: 0, DeliveryState.FAILED: 1}
    for webhook, results in mine.items():
        for result in results:
            accounts[webhook] = result.claimed.account
            key = webhook, bucket_of(result.ended_at)
            counts.setdefault(key, [0, 0, 0])[places.get(result.state, 2)] += 1
    columns = {
        "account": "text",
        "webhook": "text",
        "bucket": "timestamptz",
        "delivered": "int",
        "failed": "int",
        "tried_again": "int",
    }
    rows = [(accounts[key[0]], *key, *count) for key, count in sorted(counts.items())]
    await db.fetch(
        """
        INSERT INTO tally (account, webhook, bucket, delivered, failed, tried_again)
        SELECT account, webhook, bucket, delivered, failed, tried_again FROM {more}
        WHERE true
        ON CONFLICT (webhook, bucket) DO UPDATE SET
            delivered = tally.delivered + excluded.delivered,
            failed = tally.failed + excluded.failed,
            tried_again = tally.tried_again + excluded.tried_again
        """,
        more=Rows(columns, rows),
    )


def bucket_of(time: datetime) -> datetime:
    return time.replace(minute=time.minute - time.minute % 5, second=0, microsecond=0)


async def _insert_attempts(db: Database, results: Sequence[Result]) -> None:
    columns = {
        "delivery": "bigint",
        "number": "int",
        "trigger": "text",
        "started_at": "timestamptz",
        "seconds": "float8",
        "phases": "text",
        "status": "int",
        "error": "text",
        "detail": "text",
        "method": "text",
        "url": "text",
        "request_headers": "text",
        "request_body": "bytea",
        "response_headers": "text",
        "response_body": "bytea",
        "truncated": "bool",
    }
    rows = [
        (
            r.claimed.seq,
            r.claimed.attempts + 1,
            r.claimed.trigger,
            r.started_at,
            r.outcome.seconds,
            _json(r.outcome.phases_ms),
            r.outcome.status,
            r.outcome.error,
            r.outcome.detail,
            r.sent.method,
            r.sent.url,
            _json(r.sent.headers),
            r.sent.body,
            _json(r.outcome.headers),
            r.outcome.body,
            r.outcome.truncated,
        )
        for r in results
    ]
    await db.insert("attempt", Rows(columns, rows))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
