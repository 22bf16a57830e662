"""One mail about several webhooks that are called at one host, or about several
deliveries."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from callboard.notices.letters import Entry, Facts, Letter, Now
from callboard.notices.phrases import count, held, moment
from callboard.numerals import written

_MOST = 50
_NEVER = datetime.min.replace(tzinfo=UTC)

Told = Sequence[tuple[Facts, Now]]


def write(kind: str, told: Told, page: str) -> Letter:
    """`page`: where all of them are listed."""
    if kind == "delivery_failed":
        return _failed_deliveries(told, page)
    latest = _latest(facts for facts, _ in told)
    others = any(facts.answer != latest.answer for facts, _ in told)
    words = {
        "count": written(len(told)),
        "host": latest.host,
        "answer": latest.answer,
        "answers": f"{latest.answer} and others" if others else latest.answer,
    }
    form = _FORMS[kind]
    lines = [form.line.format(**words)]
    if len(told) > _MOST:
        lines.append(f"The first {_MOST} are listed here.")
    by_name = sorted(told, key=lambda each: each[0].name)
    return Letter(
        form.subject.format(**words),
        lines,
        (f"See all webhooks at {latest.host}", page),
        [],
        [form.entry(facts, now) for facts, now in by_name[:_MOST]],
    )


def _failed_deliveries(told: Told, page: str) -> Letter:
    """Each of `told` is a delivery; those of one webhook share their `Now`."""
    latest = _latest(facts for facts, _ in told)
    webhooks: dict[str, list[Facts]] = {}
    for facts, now in told:
        webhooks.setdefault(now.failed, []).append(facts)
    to = latest.name if len(webhooks) == 1 else f"{written(len(webhooks))} webhooks"
    entries = [
        Entry(each[0].name, _lost(each), f"See what failed of {each[0].name}", link)
        for link, each in list(webhooks.items())[:_MOST]
    ]
    when = f"{moment(latest.last_at)}: {latest.trouble}. {latest.last_detail}".strip()
    return Letter(
        f"{count(len(told))} to {to} failed: {latest.trouble}",
        [
            f"{count(len(told))} to {to} have failed for good; the last one on {when}",
            "They can be sent again, one by one or all at once.",
        ],
        ("See what failed", page),
        [("Receiver", latest.url)] if len(webhooks) == 1 else [],
        entries if len(webhooks) > 1 else [],
    )


def _lost(deliveries: Sequence[Facts]) -> str:
    noun = "delivery has" if len(deliveries) == 1 else "deliveries have"
    return f"{written(len(deliveries))} {noun} failed: {_latest(deliveries).answer}."


def _latest(facts: Iterable[Facts]) -> Facts:
    return max(facts, key=lambda each: each.last_at or _NEVER)


def _failing(facts: Facts, now: Now) -> str:
    since = f"Failing since {moment(facts.since)}: {facts.answer}."
    if not now.ends_at:
        return since
    ends = moment(now.ends_at)
    return f"{since} It will be deactivated on {ends} unless a delivery succeeds."


def _deactivated(facts: Facts, now: Now) -> str:
    since = f"Failing since {moment(facts.since)}, last answer {facts.answer}."
    return f"{since} Deactivated: {facts.why}. {held(now)}"


def _reminder(facts: Facts, now: Now) -> str:
    return f"Still deactivated. {held(now)}"


def _recovered(facts: Facts, now: Now) -> str:
    since = f", after it had failed since {moment(facts.since)}" if facts.since else ""
    return f"A delivery has succeeded again{since}."


@dataclass(frozen=True, slots=True)
class _Form:
    """Of a mail of one kind. `says` what there is to say of each webhook, and `act`
    what one can do there: to activate it needs no signing in."""

    subject: str
    line: str
    says: Callable[[Facts, Now], str]
    act: str
    activates: bool = False

    def entry(self, facts: Facts, now: Now) -> Entry:
        link = now.link if self.activates else now.page
        act = self.act.format(name=facts.name)
        return Entry(facts.name, self.says(facts, now), act, link)


_FORMS = {
    "failing": _Form(
        "{count} webhooks are failing: {answers} from {host}",
        "Calls to {count} webhooks at {host} fail. The latest answer was {answer}.",
        _failing,
        "Look at {name}",
    ),
    "deactivated": _Form(
        "{count} webhooks were deactivated: {answers} from {host}",
        "{count} webhooks at {host} were deactivated. Make sure that the receiver is"
        " back, then activate each: you choose whether its held deliveries are sent or"
        " discarded.",
        _deactivated,
        "Activate {name}",
        activates=True,
    ),
    "reminder": _Form(
        "{count} webhooks at {host}: held deliveries are about to expire",
        "{count} webhooks at {host} are still deactivated, and what is held for them"
        " begins to expire within a day. What expires is not sent any more.",
        _reminder,
        "Activate {name}",
        activates=True,
    ),
    "recovered": _Form(
        "{count} webhooks at {host} are back to normal",
        "Deliveries to {count} webhooks at {host} have succeeded again.",
        _recovered,
        "Look at {name}",
    ),
}
