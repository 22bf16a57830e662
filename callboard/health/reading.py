"""How a webhook's receiver does, for pages and mails; the rule, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from callboard.database import reading
from callboard.health import plan, tracker
from callboard.health.tables import Health
from callboard.health.tracker import Rule
from callboard.webhooks.tables import Webhook


@dataclass(frozen=True, slots=True)
class Failing:
    """Since when, and what then. `ends_at`: when it will be deactivated unless a
    delivery succeeds; None where that cannot be told yet. `left`: so many deliveries
    must still fail; None for never."""

    since: datetime
    tries: int
    lost: int
    left: int | None
    ends_at: datetime | None
    last_at: datetime | None
    last_status: int | None
    last_error: str | None
    last_detail: str
    spell: str


def rule_of(row: Webhook) -> Rule:
    return Rule(row.deactivate_after, plan.tries(row.schedule, row.delivery))


def in_words(rule: Rule) -> str:
    if rule.threshold is None:
        when = "It is never deactivated because deliveries fail"
    elif rule.tries == 1:
        when = (
            f"It is deactivated when {rule.threshold} deliveries in a row have failed"
        )
    elif rule.threshold == 1:
        when = (
            "It is deactivated when every try of one delivery has failed"
            " and no other delivery succeeded since its first"
        )
    else:
        when = (
            f"It is deactivated when every try of {rule.threshold} deliveries has"
            " failed and no other succeeded since the first"
        )
    return f"{when}; an answer of 410 Gone deactivates it at once."


async def failing_since(webhooks: Sequence[str]) -> dict[str, datetime]:
    """Of those whose receiver fails."""
    rows = await Health.select(Health.webhook, Health.since).where(
        Health.webhook.is_in([*webhooks, ""]) & Health.since.is_not_null()
    )
    return {row["webhook"]: row["since"] for row in rows}


async def of_webhook(row: Webhook) -> Failing | None:
    """None while all is well."""
    health = await Health.objects().get(Health.webhook == row.id)
    if health is None or health.since is None:
        return None
    rule = rule_of(row)
    left = None if rule.threshold is None else max(rule.threshold - health.lost, 0)
    async with reading() as db:
        ends = await plan.ends(db, row, left or 0)
    return Failing(
        since=health.since,
        tries=health.tries,
        lost=health.lost,
        left=left,
        ends_at=ends[left - 1] if left and len(ends) >= left else None,
        last_at=health.last_at,
        last_status=health.last_status,
        last_error=health.last_error,
        last_detail=health.last_detail,
        spell=spell_of(health.since),
    )


def spell_of(since: datetime) -> str:
    """Names a spell: a webhook has no two that began at the same time."""
    return str(round(since.timestamp() * 1_000_000))


def why(cause: str | None) -> str:
    """Of a webhook that the rule has deactivated."""
    words = {
        tracker.FAILED: "every try failed and no delivery succeeded in between",
        tracker.GONE: "the receiver answered 410 Gone",
    }
    return words.get(cause or "", "a person did it")
