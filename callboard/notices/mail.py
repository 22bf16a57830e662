"""What our mails say: words first, then a form for each kind of reader."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from callboard.outcome import ErrorClass

_TEMPLATES = Path(__file__).parent.parent.parent / "templates" / "mail"


class Facts(msgspec.Struct, kw_only=True):
    """How things stood when a notice was posted."""

    name: str = ""
    url: str = ""
    since: datetime | None = None
    tries: int = 0
    last_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    last_detail: str = ""
    why: str = ""
    delivery: str = ""
    certificate_ends: datetime | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.url

    @property
    def answer(self) -> str:
        if self.last_status is not None:
            return str(self.last_status)
        return (self.last_error or "no answer").replace("_", " ")

    @property
    def trouble(self) -> str:
        if self.last_error == ErrorClass.TOKEN:  # the receiver was not called
            return self.answer
        return f"{self.answer} from {self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """How things stand when a mail is written. `rule`: in words. `waiting`: deliveries
    that are held or pending."""

    rule: str = ""
    waiting: int = 0
    held_until: datetime | None = None
    takes_until: datetime | None = None
    ends_at: datetime | None = None
    page: str = ""
    link: str = ""
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One of several webhooks in a mail: how it stands, and where one can act."""

    name: str
    says: str
    act: str
    link: str


@dataclass(frozen=True, slots=True)
class Letter:
    """`button`: its words and where it leads. `facts`: the small table."""

    subject: str
    lines: list[str]
    button: tuple[str, str]
    facts: list[tuple[str, str]]
    entries: list[Entry] = field(default_factory=list)


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
            f" {_last(facts)}",
            f"It will be deactivated at {moment(now.ends_at)} unless a delivery"
            " succeeds before."
            if now.ends_at
            else now.rule,
        ],
        ("Look at the webhook", now.page),
        _table(facts, now),
    )


def _deactivated(facts: Facts, now: Now) -> Letter:
    return Letter(
        f"{facts.name} was deactivated: {facts.trouble}",
        [
            f"{facts.name} has been failing since {moment(facts.since)} and was"
            f" deactivated: {facts.why}. {_last(facts)}",
            held(now),
            "Make sure that the receiver is back, then activate the webhook: you"
            " choose whether the held deliveries are sent or discarded.",
        ],
        (f"Activate {facts.name}", now.link),
        _table(facts, now),
    )


def _reminder(facts: Facts, now: Now) -> Letter:
    return Letter(
        f"{facts.name}: held deliveries expire from {moment(now.held_until)}",
        [
            f"{facts.name} is still deactivated. {held(now)}",
            "What expires is not sent any more.",
        ],
        (f"Activate {facts.name}", now.link),
        _table(facts, now),
    )


def _recovered(facts: Facts, now: Now) -> Letter:
    since = f" It had failed since {moment(facts.since)}." if facts.since else ""
    return Letter(
        f"{facts.name} is back to normal",
        [f"A delivery to {facts.name} has succeeded again.{since}"],
        ("Look at the webhook", now.page),
        [("Receiver", facts.url), ("Waiting", _count(now.waiting))],
    )


def _delivery_failed(facts: Facts, now: Now) -> Letter:
    trouble = facts.trouble
    told = f"Every try of the delivery {facts.delivery} has failed. {_last(facts)}"
    if facts.last_error == ErrorClass.VALUE:  # no call was made
        trouble = "a value is missing or does not fit"
        told = f"The delivery {facts.delivery} could not be sent. {facts.last_detail}"
    return Letter(
        f"A delivery to {facts.name} failed: {trouble}",
        [told, "It can be sent again by hand."],
        ("Look at the delivery", now.page),
        _table(facts, now),
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


_KINDS = {
    "failing": _failing,
    "deactivated": _deactivated,
    "reminder": _reminder,
    "recovered": _recovered,
    "delivery_failed": _delivery_failed,
    "certificate": _certificate,
    "test": _test,
}


def moment(at: datetime | None) -> str:
    return at.strftime("%a %d %b %Y, %H:%M UTC") if at else "an unknown time"


def _last(facts: Facts) -> str:
    said = f"The last answer was {facts.answer}" if facts.last_status else ""
    words = said or f"The last call ended without an answer ({facts.answer})"
    return f"{words}. {facts.last_detail}".strip()


def held(now: Now) -> str:
    if not now.waiting:
        words = "Nothing is held so far."
    else:
        noun = "delivery is" if now.waiting == 1 else "deliveries are"
        until = f" The first expires at {moment(now.held_until)}."
        words = f"{now.waiting} {noun} held.{until if now.held_until else ''}"
    if now.takes_until is None:
        return words
    return f"{words} New events are held until {moment(now.takes_until)}."


def _count(number: int) -> str:
    return f"{number} " + ("delivery" if number == 1 else "deliveries")


def _table(facts: Facts, now: Now) -> list[tuple[str, str]]:
    rows = [
        ("Receiver", facts.url),
        ("Last answer", f"{facts.answer}, {moment(facts.last_at)}"),
        ("First failure", moment(facts.since)),
        ("Failed tries", str(facts.tries)),
        ("Waiting", _count(now.waiting)),
        ("Rule", now.rule),
    ]
    return [(name, value) for name, value in rows if value]


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html.j2"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
