from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random, SystemRandom

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.outcome import ErrorClass, Outcome
from callboard.retry import (
    DEFAULT_PLAN,
    RetryPlan,
    check_plan,
    describe,
    next_delay,
    succeeded,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FAILED = Outcome(status=500)


class Unshortened(Random):
    def random(self):
        return 0.0


class Halfway(Random):
    def random(self):
        return 0.5


def delay(outcome, number=1, plan=DEFAULT_PLAN):
    return next_delay(plan, number, outcome, NOW, Unshortened())


def asking(value, status=503, name="Retry-After"):
    return Outcome(status=status, headers=(("date", "x"), (name, value)))


def test_the_default_plan_is_five_more_tries_over_two_hours():
    assert [delay(FAILED, number) for number in range(1, 7)] == [
        120, 480, 1200, 1800, 3600, None,
    ]  # fmt: skip


@given(rng=st.randoms(use_true_random=False), number=st.integers(1, 5))
def test_a_gap_is_shortened_by_at_most_a_tenth(rng, number):
    gap = DEFAULT_PLAN.gaps[number - 1]
    wait = next_delay(DEFAULT_PLAN, number, FAILED, NOW, rng)
    assert 0.9 * gap <= wait <= gap


def test_chance_takes_its_part_of_that_tenth():
    assert next_delay(DEFAULT_PLAN, 1, FAILED, NOW, Halfway()) == 114


def test_two_webhooks_do_not_come_back_at_the_same_moment():
    rng = SystemRandom()
    waits = {next_delay(DEFAULT_PLAN, 1, FAILED, NOW, rng) for _ in range(100)}
    assert len(waits) == 100


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(asking("180"), 180, id="seconds"),
        pytest.param(asking("180", status=429), 180, id="also on 429"),
        pytest.param(asking("180", name="RETRY-after"), 180, id="any case"),
        pytest.param(asking(" 180 "), 180, id="spaces around"),
        pytest.param(asking("60"), 120, id="shorter than the gap"),
        pytest.param(asking("86400"), 240, id="at most twice the gap"),
        pytest.param(asking("180", status=500), 120, id="not on 500"),
        pytest.param(asking("180", status=301), 120, id="not on a redirect"),
        pytest.param(
            asking(format_datetime(NOW + timedelta(seconds=180), usegmt=True)),
            180,
            id="a date",
        ),
        pytest.param(
            asking("Sunday, 01-Mar-26 12:03:00 GMT"), 180, id="a date of RFC 850"
        ),
        pytest.param(asking("Sun Mar  1 12:03:00 2026"), 180, id="a date of asctime"),
        pytest.param(
            asking("Sun, 01 Mar 2026 11:59:59 GMT"), 120, id="a date in the past"
        ),
    ],
)
def test_what_the_receiver_asks_for(outcome, expected):
    assert delay(outcome) == expected


def test_the_wait_asked_for_runs_from_the_answer():
    outcome = Outcome(status=429, headers=(("Retry-After", "150"),), seconds=10)
    assert delay(outcome) == 160


@pytest.mark.parametrize(
    "value",
    [
        "", "0", "-5", "+180", "1.5e2", "180.5", "NaN", "inf", "180s", "0x180", "1_80",
        "٣٠٠", "9" * 20, "9" * 10_240, "tomorrow", "Sun, 99 Mar 2026 12:03:00 GMT",
        "Sun, 01 Mar 0000 12:03:00 GMT", "Sun, 01 Mar 2026 12:03:00 +9999999",
        "180, 200", "180\x00", f"Sun, 01 Mar 2026 12:03:00 GMT ({'x' * 99})",
    ],
)  # fmt: skip
def test_a_senseless_retry_after_is_ignored(value):
    assert delay(asking(value)) == 120


@given(value=st.text())
def test_no_retry_after_breaks_the_bounds(value):
    assert 120 <= delay(asking(value)) <= 240


@given(number=st.text("0123456789", max_size=12))
def test_no_number_breaks_the_bounds(number):
    assert 120 <= delay(asking(number)) <= 240


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        pytest.param("2xx", [200, 201, 204, 299], [199, 300, 302, 404, 500], id="2xx"),
        pytest.param("200", [200], [201, 202, 204, 302, 500], id="200"),
        pytest.param((200, 202, 302, 410), [200, 202, 410], [201, 302], id="a list"),
        pytest.param((), [], [200], id="an empty list"),
    ],
)
def test_success_is_what_the_rule_says_and_never_a_redirect(rule, good, bad):
    assert [
        code for code in good + bad if succeeded(rule, Outcome(status=code))
    ] == good


def test_an_answer_that_broke_off_is_no_success():
    assert not succeeded("2xx", Outcome(status=200, error=ErrorClass.TIMEOUT))
    assert not succeeded("2xx", Outcome(error=ErrorClass.REFUSED))


@pytest.mark.parametrize(
    ("gaps", "words"),
    [
        (
            DEFAULT_PLAN.gaps,
            "5 retries over 2 hours: after 2, 8, 20, 30 and 60 minutes",
        ),
        ((), "No retries"),
        ((60,), "1 retry after 1 minute"),
        ((5400,), "1 retry after 1 hour 30 minutes"),
        ((300,) * 5, "5 retries over 25 minutes: every 5 minutes"),
        ((3600, 7200), "2 retries over 3 hours: after 1 and 2 hours"),
        ((5, 90), "2 retries over 1 minute 35 seconds: after 5 and 90 seconds"),
        (
            (5, 300, 36000),
            "3 retries over 10 hours 5 minutes:"
            " after 5 seconds, 5 minutes and 10 hours",
        ),
    ],
)
def test_a_plan_in_words(gaps, words):
    assert describe(RetryPlan(gaps)) == words


@pytest.mark.parametrize(
    ("gaps", "fields"),
    [
        pytest.param([], [], id="no retries"),
        pytest.param([1] * 20, [], id="as many as may be"),
        pytest.param([1] * 21, ["retry.schedule"], id="too many"),
        pytest.param([30 * 86400], [], id="longest"),
        pytest.param([30 * 86400 + 1], ["retry.schedule.0"], id="too long"),
        pytest.param(
            [60, 0, -1, 1.5, True, "60", None, float("nan")],
            [f"retry.schedule.{place}" for place in range(1, 8)],
            id="each wrong gap is named",
        ),
    ],
)
def test_bounds_of_a_plan(gaps, fields):
    assert [problem.field for problem in check_plan(gaps)] == fields
