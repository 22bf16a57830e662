"""Each event held against the catalogue; the good ones know who listens to them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from jsonschema_rs import Validator

from callboard import ids, times
from callboard.catalogue.schemas import check_data
from callboard.errors import MOST_PROBLEMS, Problem, raise_all
from callboard.ingest.directory import Directory
from callboard.ingest.events import NewEvent, Stored
from callboard.matching.patterns import unknown_type
from callboard.matching.subject import Subject

LONGEST_KEY = 256
LONGEST_KIND = 80
# Looking for a near name among a thousand takes some 40 ms.
MOST_HINTS = 10


def check(
    events: Sequence[NewEvent], directory: Directory, now: datetime
) -> list[Stored]:
    """Raises Invalid with the problems of all of them.

    What was read of an event is forgotten with it: it may be many times as large.
    """
    problems: list[Problem] = []
    stored = []
    for place, event in enumerate(events):
        subject = _subject(event, now)
        names = directory.types if len(problems) < MOST_HINTS else ()
        found = list(_problems(event, subject, directory, names))
        where = f"events[{place}]." if len(events) > 1 else ""
        problems += [Problem(where + p.field, p.code, p.message) for p in found]
        if not found:
            stored.append(_stored(event, subject, directory, now))
        if len(problems) >= MOST_PROBLEMS:
            break
    raise_all(problems)
    return stored


def _problems(
    event: NewEvent, subject: Subject, directory: Directory, names: Iterable[str]
) -> list[Problem]:
    """`names`: of the types that could have been meant."""
    if not _is_text(event.data):
        return [Problem("data", "text", "Send JSON text in UTF-8 without NUL bytes.")]
    found = []
    if event.type not in directory.types:
        found.append(unknown_type(event.type, names))
    elif (validator := directory.types[event.type]) is not None:
        found += _check_data(validator, subject)
    if event.key is not None and not 0 < len(event.key) <= LONGEST_KEY:
        text = f"Use 1 to {LONGEST_KEY} characters for the id."
        found.append(Problem("id", "length", text))
    if event.kind is not None and len(event.kind) > LONGEST_KIND:
        text = f"Use at most {LONGEST_KIND} characters for the kind."
        found.append(Problem("kind", "length", text))
    found += times.check(event.occurred_at, "occurred_at")
    found += [
        Problem(field, "text", "Leave out NUL characters and lone surrogates.")
        for field, text in _texts(event)
        if not _is_writable(text)
    ]
    return found


def _texts(event: NewEvent) -> Iterator[tuple[str, str]]:
    named = (("id", event.key), ("sending", event.sending), ("kind", event.kind))
    yield from ((field, text) for field, text in named if text is not None)
    for place, tag in enumerate(event.context):
        yield f"context[{place}]", tag


def _is_writable(text: str) -> bool:
    if text.isascii():
        return "\0" not in text
    return _is_text(text.encode(errors="surrogatepass"))


def _check_data(validator: Validator, subject: Subject) -> list[Problem]:
    if subject.readable:
        return check_data(validator, subject.data)
    text = "It is nested too deeply, or a number in it is too large."
    return [Problem("data", "unreadable", text)]


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def _stored(
    event: NewEvent, subject: Subject, directory: Directory, now: datetime
) -> Stored:
    return Stored(
        id=ids.make("evt", now),
        new=event,
        occurred_at=event.occurred_at or now,
        listeners=directory.wanted(event.type, subject),
    )


def _subject(event: NewEvent, now: datetime) -> Subject:
    return Subject(event.data, now, event.context, event.sending, event.kind)
