"""What our mails say: words first, then a form for each kind of reader."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from callboard.notices.letters import Facts, Letter, Now
from callboard.notices.phrases import after, count, held, last, moment, table
from callboard.outcome import ErrorClass

_TEMPLATES = Path(__file__).parent.parent.parent / "templates" / "mail"


def write(kind: str, facts: Facts, now: Now) -> Letter:
    return _KINDS[kind](facts, now)


def render(letter: Letter, unsubscribe: str) -> tuple[str, str]:
    """As plain text and as HTML."""
    environment = _environment()
    words = {"letter": letter, "unsubscribe": unsubscribe}
    text = environment.get_template("letter.txt").render(words)
    return text, environment.get_template("letter.html.j2").render(words)


def _failing(facts: Facts, now: Now) -> Letter:
    return Letter(
        f"{facts.name} is failing: {facts.trouble}",
        [
            f"Calls to {facts.name} have failed since {moment(facts.since)}."
            f" {last(facts, now)}",
            f"It will be deactivated on {moment(now.ends_at)} unless a delivery"
            " succeeds before."
            if now.ends_at
            else now.rule,
        ],
        ("Look at the webhook", now.page),
        table(facts, now),
    )


def _deactivated(facts: Facts, now: Now) -> Letter:
    choice = ""
    if now.waiting or now.keeps:
        choice = ": you choose whether the held deliveries are sent or discarded"
    return Letter(
        f"{facts.name} was deactivated: {facts.trouble}",
        [
            f"{facts.name} has been failing since {moment(facts.since)} and was"
            f" deactivated{after(facts)}: {facts.why}. {last(facts, now)}",
            held(now),
            f"Make sure that the receiver is back, then activate the webhook{choice}.",
        ],
        (f"Activate {facts.name}", now.link),
        table(facts, now, "Held"),
    )


def _reminder(facts: Facts, now: Now) -> Letter:
    return Letter(
        f"{facts.name}: held deliveries expire from {moment(now.held_until)}",
        [
            f"{facts.name} is still deactivated. {held(now)}",
            "What expires is not sent any more.",
        ],
        (f"Activate {facts.name}", now.link),
        table(facts, now, "Held"),
    )


def _recovered(facts: Facts, now: Now) -> Letter:
    since = f" It had failed since {moment(facts.since)}." if facts.since else ""
    return Letter(
        f"{facts.name} is back to normal",
        [f"A delivery to {facts.name} has succeeded again.{since}"],
        ("Look at the webhook", now.page),
        [("Receiver", facts.url), ("Waiting", count(now.waiting))],
    )


def _delivery_failed(facts: Facts, now: Now) -> Letter:
    event = now.type or "an event"
    told = f"Every try to deliver {event} to {facts.name} has failed."
    told = f"{told} {last(facts, now)}"
    if facts.last_error == ErrorClass.VALUE:
        told = f"{event} to {facts.name} could not be sent. {facts.last_detail}"
    return Letter(
        f"A delivery to {facts.name} failed: {facts.trouble}",
        [told[:1].upper() + told[1:], "It can be sent again by hand."],
        ("Look at the delivery", now.page),
        [
            ("Receiver", facts.url),
            ("Event", now.type),
            ("Delivery", facts.delivery),
            ("Ended", moment(facts.last_at)),
        ],
    )


def _certificate(facts: Facts, now: Now) -> Letter:
    ends = moment(facts.certificate_ends)
    return Letter(
        f"The client certificate of {facts.name} ends on {ends}",
        [
            f"The certificate by which {facts.host} knows who calls it is good until"
            f" {ends}. After that it is likely to refuse every call of {facts.name}.",
            "Save a new certificate with its key in the webhook's settings; the next"
            " call uses it.",
        ],
        ("Look at the webhook", now.page),
        [("Receiver", facts.url), ("Certificate ends", ends)],
    )


def _test(facts: Facts, now: Now) -> Letter:
    return Letter(
        "A test mail from Callboard",
        ["You asked for this mail. Notices about your webhooks will reach you, too."],
        ("Open Callboard", now.page),
        [],
    )


def _password(facts: Facts, now: Now) -> Letter:
    return Letter(
        "Choose a new password for Callboard",
        [
            "Somebody asked for a link to choose a new password for this address."
            f" It works once, until {moment(now.ends_at)}.",
            "If it was not you, do nothing: your password stays as it is.",
        ],
        ("Choose a new password", now.link),
        [],
    )


def _new_password(facts: Facts, now: Now) -> Letter:
    return Letter(
        "Your password for Callboard was changed",
        [
            f"It was changed on {moment(facts.since)}, from {facts.why}. Whoever was"
            " signed in with the old one elsewhere no longer is.",
            "If it was not you, choose a new one now, and tell an owner of your"
            " account.",
        ],
        ("Choose a new password", now.link),
        [],
    )


_KINDS = {
    "failing": _failing,
    "deactivated": _deactivated,
    "reminder": _reminder,
    "recovered": _recovered,
    "delivery_failed": _delivery_failed,
    "certificate": _certificate,
    "test": _test,
    "password": _password,
    "new_password": _new_password,
}


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html.j2"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
