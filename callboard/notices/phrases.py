"""What letters say, whatever they tell of."""

from datetime import datetime

from callboard.notices.letters import Facts, Now
from callboard.numerals import written


def moment(at: datetime | None) -> str:
    return at.strftime("%a %d %b %Y, %H:%M UTC") if at else "an unknown time"


def last(facts: Facts, now: Now) -> str:
    if facts.last_status is None:
        why = facts.last_detail or f"{facts.answer[:1].upper()}{facts.answer[1:]}."
        return f"The last call brought no answer. {why}"
    said = f": “{now.said}”" if now.said else ""
    return f"The last answer was {facts.answer}{said}. {facts.last_detail}".strip()


def after(facts: Facts) -> str:
    if facts.since is None or facts.last_at is None:
        return ""
    minutes = round((facts.last_at - facts.since).total_seconds() / 60)
    if minutes >= 2 * 24 * 60:
        return f" after {round(minutes / 60 / 24)} days"
    if minutes >= 2 * 60 - 10:  # the plan's last try comes a little early
        return f" after {round(minutes / 60)} hours"
    return f" after {minutes} minutes" if minutes > 1 else ""


def held(now: Now) -> str:
    if not now.keeps and not now.waiting:
        return "Nothing is held, and new events are not kept."
    if not now.waiting:
        words = "Nothing is held so far."
    else:
        noun = "delivery is" if now.waiting == 1 else "deliveries are"
        until = f" The first expires on {moment(now.held_until)}."
        words = f"{written(now.waiting)} {noun} held.{until if now.held_until else ''}"
    if not now.keeps:
        return f"{words} New events are not kept."
    if now.takes_until is None:
        return words
    return f"{words} New events are held until {moment(now.takes_until)}."


def count(number: int) -> str:
    return f"{written(number)} " + ("delivery" if number == 1 else "deliveries")


def table(facts: Facts, now: Now, waiting: str = "Waiting") -> list[tuple[str, str]]:
    rows = [
        ("Receiver", facts.url),
        ("Last answer", f"{facts.answer}, {moment(facts.last_at)}"),
        ("First failure", moment(facts.since)),
        ("Failed tries", written(facts.tries)),
        (waiting, count(now.waiting)),
        ("Rule", now.rule),
    ]
    return [(name, value) for name, value in rows if value]
