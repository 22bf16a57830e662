"""Dates of conditions are PHP's: held against what it answered, and what it answers."""

import random
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.matching.conditions import check_conditions
from callboard.matching.date_grammar import LONGEST, NoMoment, read_moment
from callboard.matching.dates import read_time, read_when

SAMPLES = Path(__file__).parent.parent / "samples"
WEDNESDAY = datetime(2026, 11, 25, 10, 20, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def answered() -> list[tuple[str, str, str]]:
    """What PHP 8.2 made of each text at a time."""
    lines = (SAMPLES / "php_dates.tsv").read_text().splitlines()
    return [(text, now, then) for text, now, then in (x.split("\t") for x in lines)]


@pytest.mark.parametrize(("text", "now", "then"), answered())
def test_a_text_means_what_it_means_to_php(text, now, then):
    assert str(read_when(text)(utc(now)).begin) == f"{then}+00:00"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("today", DAY),
        ("yesterday", DAY),
        ("last monday", DAY),
        ("2026-01-31", DAY),
        ("january 2026", DAY),
        ("first day of next month midnight", DAY),
        ("2026-01-31 +1 month", DAY),
        ("now", timedelta()),
        ("-7 days", timedelta()),
        ("today 14:00", timedelta()),
        ("today -2 hours", timedelta()),
        ("first day of next month", timedelta()),
        ("noon", timedelta()),
        ("@0", timedelta()),
    ],
)
def test_it_is_a_whole_day_where_no_time_of_day_is_known(text, length):
    span = read_when(text)(WEDNESDAY)
    assert span.end - span.begin == length


@pytest.mark.parametrize(
    ("text", "place", "wrong"),
    [
        ("", 0, "there is nothing"),
        ("soon", 0, "“soon” is not known, did you mean noon?"),
        ("+7 dayz", 0, "“+7 dayz” is not known, did you mean day?"),
        ("next mondey", 0, "“next” is not known alone"),
        ("monday  nxt week", 8, "“nxt” is not known, did you mean next?"),
        ("+2 weekdays", 0, "“+2 weekdays” is not known"),
        ("a week ago", 0, "“a” is not known alone"),
        ("2026-02-30", 0, "“2026-02-30” is no day of the calendar"),
        ("today 25:00", 6, "“25:00” is no time of day"),
        ("13 pm", 0, "“13 pm” is no hour of a day"),
        ("noon 14:00", 5, "“14:00” is a second time of day"),
        ("2026-01-01 2026-01-02", 11, "“2026-01-02” is a second date"),
        ("10:00 +99:00", 0, "“10:00 +99:00” is no zone"),
        ("this monday of may", 0, "“this monday of” should begin with first or last"),
        ("x" * 101, 100, "a date takes at most 100 characters"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text, place, wrong):
    with pytest.raises(NoMoment) as found:
        read_moment(text)
    assert found.value.place == place
    assert str(found.value).startswith(wrong)


@pytest.mark.parametrize(
    ("operator", "value"),
    [("before", "next mondey"), ("after", "-7 dayz"), ("between", "today|tomorow")],
)
def test_a_condition_with_such_a_date_is_refused(operator, value):
    (problem,) = check_conditions({f"hired:{operator}": value})
    assert "such as 2026-01-31, -7 days or last monday; at 1, “" in problem.message


@pytest.mark.parametrize("now", ["0001-01-01 00:00:00", "9999-12-31 23:59:59"])
@pytest.mark.parametrize("text", ["-1 day", "+1 day", "-9 years", "last day of", "now"])
def test_no_event_is_too_far_away(text, now):
    span = read_when(text)(utc(now))
    assert span.begin <= span.end


def test_what_an_event_says_is_never_relative():
    assert [read_time(text) for text in ("today", "monday", "-7 days")] == [None] * 3


# ── properties ───────────────────────────────────────────────────────────

WEEKDAYS = ("monday", "tue", "Friday", "sun")
MONTHS = ("january 2026", "feb 2028", "sept 2027", "next month")
DAYS = ("today", "tomorrow", "yesterday", "now", "2026-01-31", "31 oct 2026")
TIMES = ("noon", "midnight", "08:30", "23:59:59", "2:15 pm")
UNITS = ("seconds", "min", "hour", "days", "week", "fortnights", "month")


def put_together(some: random.Random) -> str:
    """Amounts have a sign: PHP takes the first of `31 oct 20 days` for a year.
    They count no years: see `moments`."""
    forms = (
        some.choice(DAYS),
        some.choice(WEEKDAYS),
        f"{some.choice(('next', 'last', 'this'))} {some.choice(WEEKDAYS)}",
        f"{some.choice(WEEKDAYS)} {some.choice(('next', 'last', 'this'))} week",
        f"{some.choice(('first', 'last'))} day of {some.choice(MONTHS)}",
        f"{some.choice(('first', 'fourth', 'last'))} {some.choice(WEEKDAYS)}"
        f" of {some.choice(MONTHS)}",
    )
    amounts = [
        f"{some.choice('+-')}{some.randrange(400)} {some.choice(UNITS)}"
        for _ in range(some.randrange(3))
    ]
    time = some.choice((*TIMES, ""))
    place = some.randrange(len(forms))
    ago = "ago" if amounts and place < 2 and some.random() < 0.3 else ""
    return " ".join(filter(None, [forms[place], time, *amounts, ago]))


@pytest.mark.skipif(shutil.which("php") is None, reason="there is no php here")
def test_php_agrees_about_whatever_is_put_together():
    some = random.Random(2026)  # noqa: S311
    nows = [some.randrange(315_532_800, 2_840_140_800) for _ in range(3000)]
    cases = [(now, put_together(some)) for now in nows]
    answer = subprocess.run(
        ["php", str(SAMPLES / "strtotime.php")],
        input="".join(f"{now}\t{text}\n" for now, text in cases),
        capture_output=True,
        text=True,
        check=True,
    )
    for (now, text), then in zip(cases, answer.stdout.splitlines(), strict=True):
        ours = read_when(text)(datetime.fromtimestamp(now, UTC)).begin
        assert (text, now, str(int(ours.timestamp()))) == (text, now, then)


@given(st.text("0123456789+-@:./ ,adefghmnorstuwyTZ", max_size=LONGEST), st.datetimes())
def test_whatever_is_typed_is_refused_at_a_place_or_is_a_date(text, now):
    place = place_of_mistake(text)
    if place is None:
        span = read_when(text)(now.replace(tzinfo=UTC))
        assert span.begin <= span.end
    else:
        assert 0 <= place <= len(text)


def place_of_mistake(text: str) -> int | None:
    try:
        read_moment(text)
    except NoMoment as wrong:
        return wrong.place
    return None


def test_the_longest_texts_are_read_at_once():
    begun = time.process_time()
    for text in ("+1 day " * 14, "1" * 100, "last day " * 11, "jan" * 33, " " * 100):
        for _ in range(100):
            place_of_mistake(text)
    assert time.process_time() - begun < 2
