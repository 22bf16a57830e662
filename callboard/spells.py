"""A webhook's spell, from the first failed try until a delivery succeeds: who hears of
it, and when it deactivates the webhook."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from callboard import ids
from callboard.database import Clock, Database, reading, writing
from callboard.delivery.ledger import Recorded
from callboard.health import reading as health
from callboard.health import watch
from callboard.health.tables import Health
from callboard.health.tracker import Sign, Signal, State
from callboard.health.watch import Told
from callboard.notices import posting
from callboard.notices.letters import Facts
from callboard.webhooks import lifecycle
from callboard.webhooks.tables import Webhook

_AT_ONCE = 100
_AHEAD = timedelta(days=1)
_SOME_LOST = 20
# Where little is kept at all, people need not hear twice on the same day.
_REST = timedelta(hours=12)


async def observe(db: Database, recorded: Recorded, now: datetime) -> bool:
    """In the transaction that records; True if anybody may have to be told.

    A webhook that is to be deactivated gets no more calls from here on; the rest is
    the sweep's.
    """
    told = await watch.observe(db, recorded, now)
    news = [each for each in told if each.signal.sign is not Sign.DEACTIVATE]
    if news:
        await _post(db, news, now)
    return bool(news)


async def deactivate_waiting(clock: Clock) -> None:
    """Carries out the verdicts of the rule, some at a time, so that a herd of dead
    receivers keeps no worker from its beat."""
    async with reading() as db:
        waiting = await watch.waiting_verdicts(db, _AT_ONCE)
    for webhook in waiting:
        await deactivate(webhook, clock())


async def deactivate(webhook: str, now: datetime) -> None:
    """In a transaction of its own: a change of state locks the account before the
    turn, and whoever records holds turns already."""
    async with writing() as db:
        row = await lifecycle.stop_by_rule(db, webhook, now)
        if row is not None:
            await _tell(db, row, "deactivated", now)


async def remind(now: datetime) -> None:
    """Of held deliveries that begin to expire within a day, once per spell."""
    async with writing() as db:
        rows = await db.fetch(
            """
            SELECT w.id FROM webhook w JOIN health h ON h.webhook = w.id
            WHERE w.cause IS NOT NULL AND NOT h.reminded AND w.state_since <= :rested
              AND (SELECT d.held_until FROM delivery d
                   WHERE d.webhook = w.id AND d.state = 'held'
                   ORDER BY d.held_until LIMIT 1) <= :soon
            """,
            rested=now - _REST,
            soon=now + _AHEAD,
        )
        for row in rows:
            await _remind(db, row["id"], now)


async def _remind(db: Database, webhook: str, now: datetime) -> None:
    row = await Webhook.objects().get(Webhook.id == webhook)
    assert row is not None
    await Health.update({Health.reminded: True}).where(Health.webhook == webhook)
    await _tell(db, row, "reminder", now)


async def _tell(db: Database, row: Webhook, kind: str, now: datetime) -> None:
    """Once in a spell."""
    found = await Health.objects().get(Health.webhook == row.id)
    assert found is not None
    spell = health.spell_of(found.since or now)
    await posting.post(db, row, kind, spell, _facts(row, found), now)


async def _post(db: Database, told: Sequence[Told], now: datetime) -> None:
    names = {each.webhook for each in told}
    found = await Webhook.objects().where(Webhook.id.is_in(list(names)))
    rows = {row.id: row for row in found}
    for each in told:
        row, signal = rows[each.webhook], each.signal
        facts, lull = _facts(row, signal.state), None
        if signal.sign is Sign.DELIVERY_FAILED:
            facts.delivery = ids.from_sequence("dlv", signal.seen.delivery)
            lull = _lull(signal)
        await posting.post(db, row, signal.sign, _occasion(each), facts, now, lull)


def _lull(signal: Signal) -> timedelta:
    """The first delivery that is lost is told of at once, more of them less and less
    often: a webhook that is never deactivated may lose thousands."""
    if signal.seen.unmade or 1 < signal.state.lost <= _SOME_LOST:
        return timedelta(minutes=1)
    return timedelta(minutes=15) if signal.state.lost > _SOME_LOST else timedelta()


def _occasion(told: Told) -> str:
    signal = told.signal
    if signal.sign is Sign.DELIVERY_FAILED:
        return f"{signal.seen.delivery} {health.spell_of(signal.seen.ended_at)}"
    if signal.sign is Sign.RECOVERED or signal.state.since is None:
        return health.spell_of(signal.seen.ended_at)
    return health.spell_of(signal.state.since)


def _facts(row: Webhook, state: State | Health) -> Facts:
    return Facts(
        name=row.name,
        url=row.url,
        since=state.since,
        tries=state.tries,
        last_at=state.last_at,
        last_status=state.last_status,
        last_error=state.last_error,
        last_detail=state.last_detail,
        why=health.why(row.cause),
    )
