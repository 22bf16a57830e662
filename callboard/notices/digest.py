"""One mail about several webhooks that are called at one host."""

from collections.abc import Sequence
from datetime import UTC, datetime

from callboard.notices.mail import Entry, Facts, Letter, Now, held, moment

_MOST = 50
_NEVER = datetime.min.replace(tzinfo=UTC)

Told = Sequence[tuple[Facts, Now]]


def write(kind: str, told: Told, page: str) -> Letter:
    """`page`: where all of them are listed."""
    ordered = sorted(told, key=lambda each: each[0].name)
    latest = max((facts for facts, _ in told), key=lambda f: f.last_at or _NEVER)
    subject, line, says, act = _KINDS[kind]
    acts = kind in ("deactivated", "reminder")
    words = {"count": len(told), "host": latest.host, "answer": latest.answer}
    lines = [line.format(**words)]
    if len(told) > _MOST:
        lines.append(f"The first {_MOST} are listed here.")
    return Letter(
        subject.format(**words),
        lines,
        (f"See all webhooks at {latest.host}", page),
        [],
        [
            Entry(
                facts.name,
                says(facts, now),
                act.format(name=facts.name),
                now.link if acts else now.page,
            )
            for facts, now in ordered[:_MOST]
        ],
    )


def _failing(facts: Facts, now: Now) -> str:
    since = f"Failing since {moment(facts.since)}: {facts.answer}."
    if not now.ends_at:
        return since
    ends = moment(now.ends_at)
    return f"{since} It will be deactivated at {ends} unless a delivery succeeds."


def _deactivated(facts: Facts, now: Now) -> str:
    return f"Deactivated: {facts.why}. {held(now)}"


def _reminder(facts: Facts, now: Now) -> str:
    return f"Still deactivated. {held(now)}"


def _recovered(facts: Facts, now: Now) -> str:
    since = f", after it had failed since {moment(facts.since)}" if facts.since else ""
    return f"A delivery has succeeded again{since}."


_KINDS = {
    "failing": (
        "{count} webhooks are failing: {answer} from {host}",
        "Calls to {count} webhooks at {host} fail. The latest answer was {answer}.",
        _failing,
        "Look at {name}",
    ),
    "deactivated": (
        "{count} webhooks were deactivated: {answer} from {host}",
        "{count} webhooks at {host} were deactivated. Make sure that the receiver is"
        " back, then activate each: you choose whether its held deliveries are sent or"
        " discarded.",
        _deactivated,
        "Activate {name}",
    ),
    "reminder": (
        "{count} webhooks at {host}: held deliveries are about to expire",
        "{count} webhooks at {host} are still deactivated, and what is held for them"
        " begins to expire within a day. What expires is not sent any more.",
        _reminder,
        "Activate {name}",
    ),
    "recovered": (
        "{count} webhooks at {host} are back to normal",
        "Deliveries to {count} webhooks at {host} have succeeded again.",
        _recovered,
        "Look at {name}",
    ),
}
