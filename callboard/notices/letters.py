"""What a letter is made from, and what it comes to."""

from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from callboard.outcome import ErrorClass
from callboard.webhooks.urls import host_of


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
        return host_of(self.url)

    @property
    def answer(self) -> str:
        if self.last_status is not None:
            return str(self.last_status)
        return (self.last_error or "no answer").replace("_", " ")

    @property
    def trouble(self) -> str:
        if self.last_error == ErrorClass.TOKEN:  # the receiver was not called
            return self.answer
        if self.last_error == ErrorClass.VALUE:  # nobody was
            return "a value is missing or does not fit"
        return f"{self.answer} from {self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """How things stand when a mail is written. `rule`: in words. `type`: of the event
    that could not be delivered. `said`: the latest answer's own words, in one line.
    `waiting`: deliveries that are held or pending. `keeps`: what comes new, for a
    while. `failed`: where those that failed are listed."""

    rule: str = ""
    type: str = ""
    said: str = ""
    waiting: int = 0
    held_until: datetime | None = None
    keeps: bool = True
    takes_until: datetime | None = None
    ends_at: datetime | None = None
    page: str = ""
    failed: str = ""
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
