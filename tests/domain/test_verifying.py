"""A call that came is held against those that went out under its id."""

import pytest

from callboard.insight.verifying import Sent, compare
from callboard.signing.examine import Step, Verdict, conclusion

FIRST = Sent("try 1", "100", b'{"tries":1}')
SECOND = Sent("try 2", "200", b'{"tries":2}')


@pytest.mark.parametrize(
    ("timestamp", "body", "verdict", "text"),
    [
        ("100", FIRST.body, "passed", "This is what was sent: try 1."),
        ("200", SECOND.body, "passed", "This is what was sent: try 2."),
        (
            "300",
            FIRST.body,
            "failed",
            "This body was sent: try 1. Its webhook-timestamp was 100.",
        ),
        (
            "100",
            b'{"tries": 1}',
            "failed",
            "try 1: 11 bytes were sent, and these are 12. They differ from byte 10 on:"
            " “1}” was sent, “ 1}” is here.",
        ),
        (
            "300",
            b'{"tries":2}\n',
            "failed",
            "try 2: 11 bytes were sent, and these are 12. They differ from byte 12 on:"
            " nothing more was sent, “\n” is here.",
        ),
    ],
)
def test_the_try_of_that_time_is_looked_at(timestamp, body, verdict, text):
    assert compare([FIRST, SECOND], timestamp, body) == Step("sent", verdict, text)


def test_an_id_that_is_not_known_is_no_fault():
    step = compare([], "100", b"")
    assert step.verdict == "skipped"
    assert "No call of this webhook with this webhook-id is kept here." in step.text


def test_a_long_difference_is_cut_and_what_is_no_text_is_shown():
    step = compare([Sent("try 1", "1", b"a" * 99)], "1", b"a" * 9 + b"\xff" * 40)
    assert f"“{'a' * 24}…” was sent, “{'�' * 24}…” is here." in step.text


@pytest.mark.parametrize(
    ("failed", "words"),
    [
        (set(), "This call passes: it came from here and was not changed."),
        ({"time"}, "The signature is right, but the time is not: receivers refuse it."),
        ({"time", "signature"}, "This call does not pass."),
        ({"signature"}, "This call does not pass."),
        ({"headers"}, "This call does not pass."),
    ],
)
def test_who_only_came_late_is_told_so(failed, words):
    names = ("headers", "time", "encoding", "signature")
    steps = [
        Step(name, Verdict.FAILED if name in failed else Verdict.PASSED, "")
        for name in names
    ]
    assert conclusion(steps) == words
