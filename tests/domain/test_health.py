"""The rule by which a webhook is deactivated, over days that take no time."""

from datetime import timedelta

import pytest

from callboard.health.tracker import Rule, Seen, Sign, State, track
from tests.make import NOW, later

GAPS = (2, 8, 20, 30, 60)
DEFAULT = Rule(1, 6)


def failed(
    at: float, first: float | None = None, tries: int = 1, **more: object
) -> Seen:
    """A try `at` so many minutes of a delivery whose first was at `first`."""
    return Seen(**{"delivery": 1} | call(at, first, tries) | {"passed": False} | more)  # type: ignore[arg-type]


def passed(at: float, delivery: int = 2) -> Seen:
    return Seen(delivery=delivery, passed=True, **call(at, None, 1))  # type: ignore[arg-type]


def call(at: float, first: float | None, tries: int) -> dict[str, object]:
    begun = later(minutes=at)
    return {
        "first_at": later(minutes=at if first is None else first),
        "started_at": begun,
        "ended_at": begun + timedelta(seconds=1),
        "tries": tries,
        "status": 503,
    }


def whole_plan(start: float = 0, delivery: int = 1) -> list[Seen]:
    at, tries = start, [failed(start, delivery=delivery)]
    for number, gap in enumerate(GAPS, 2):
        at += gap
        lost = number == len(GAPS) + 1
        tries.append(failed(at, start, number, lost=lost, delivery=delivery))
    return tries


def run(rule: Rule, *calls: Seen, state: State | None = None):
    """One after the other, as workers record them: each at the time it ended."""
    state, signs = state or State(), []
    for each in calls:
        state, signals = track(state, rule, [each], each.ended_at)
        signs += [signal.sign for signal in signals]
    return state, signs


def test_two_hours_of_failure_are_told_and_then_end_in_deactivation():
    state, signs = run(DEFAULT, *whole_plan())
    assert signs == [Sign.FAILING, Sign.DEACTIVATE]
    assert state.verdict == "failed"
    assert state.since == NOW
    assert (state.tries, state.lost, state.first_lost) == (6, 1, 1)


def test_a_success_in_between_saves_the_webhook():
    *most, last = whole_plan()
    state, signs = run(DEFAULT, *most, passed(100), last)
    assert signs == [Sign.FAILING, Sign.RECOVERED, Sign.DELIVERY_FAILED]
    assert (state.verdict, state.lost, state.first_lost) == (None, 0, 1)


def test_a_success_just_after_the_first_try_began_saves_it_too():
    first, *others = whole_plan()
    state, signs = run(DEFAULT, passed(0.01), first, *others)
    assert state.verdict is None
    assert signs == [Sign.DELIVERY_FAILED]


def test_order_within_a_batch_is_the_order_in_which_calls_ended():
    *most, last = whole_plan()
    state, _ = run(DEFAULT, *most)
    state, signals = track(state, DEFAULT, [last, passed(100)], NOW)
    assert [signal.sign for signal in signals] == [Sign.RECOVERED, Sign.DELIVERY_FAILED]
    assert state.verdict is None


def test_a_success_that_is_recorded_late_does_not_hide_a_later_one():
    """Another worker's call ended first and is written down last."""
    state, _ = run(DEFAULT, passed(10), passed(5))
    state, signs = run(DEFAULT, failed(11, 7, 6, lost=True), state=state)
    assert signs == [Sign.DELIVERY_FAILED]
    assert state.verdict is None


@pytest.mark.parametrize("after", [2, 3])
def test_so_many_deliveries_must_fail_as_the_webhook_says(after):
    plans = [whole_plan(start, start) for start in range(1, after + 1)]
    calls = sorted((each for plan in plans for each in plan), key=lambda c: c.ended_at)
    state, signs = run(Rule(after, 6), *calls)
    assert signs.count(Sign.DELIVERY_FAILED) == after - 1
    assert signs[-1] is Sign.DEACTIVATE
    assert state.first_lost == 1


def test_never_is_never_through_five_days():
    calls = [each for hour in range(120) for each in whole_plan(hour * 60.0, hour + 1)]
    calls.sort(key=lambda each: each.ended_at)
    state, signs = run(Rule(None, 6), *calls)
    assert state.verdict is None
    assert signs.count(Sign.FAILING) == 1
    assert state.lost == 120


def test_410_deactivates_at_once_whatever_the_rule():
    state, signs = run(Rule(None, 6), failed(0, status=410, gone=True))
    assert signs == [Sign.DEACTIVATE]
    assert state.verdict == "gone"


@pytest.mark.parametrize(("after", "needed"), [(1, 5), (4, 5), (7, 7)])
def test_with_one_try_each_it_takes_five_in_a_row(after, needed):
    calls = [failed(n, delivery=n, lost=True) for n in range(1, needed + 1)]
    state, signs = run(Rule(after, 1), *calls[:-1])
    assert state.verdict is None
    assert signs.count(Sign.FAILING) == 1
    state, signs = run(Rule(after, 1), calls[-1], state=state)
    assert state.verdict == "failed"


def test_one_try_each_and_a_success_begins_to_count_anew():
    four = [failed(n, delivery=n, lost=True) for n in range(1, 5)]
    more = [failed(n, delivery=n, lost=True) for n in range(6, 10)]
    state, _ = run(Rule(1, 1), *four, passed(5), *more)
    assert (state.verdict, state.lost) == (None, 4)


def test_what_is_lost_after_the_verdict_is_held_with_the_rest():
    """Calls that ended together are judged one by one, an older delivery maybe last."""
    calls = [*whole_plan(delivery=7), failed(123, 0, 6, lost=True, delivery=5)]
    state, signs = run(DEFAULT, *calls)
    assert signs[-1] is Sign.DEACTIVATE
    assert (state.lost, state.first_lost) == (1, 5)


def test_after_the_verdict_nothing_counts():
    state, _ = run(DEFAULT, *whole_plan())
    assert run(DEFAULT, passed(120), failed(121), state=state) == (state, [])


def test_a_single_failed_try_is_nobodys_business():
    state, signs = run(DEFAULT, failed(0), passed(2, delivery=1))
    assert signs == []
    assert state == State(succeeded_at=later(minutes=2, seconds=1))


def test_first_tries_of_many_deliveries_are_not_yet_worth_a_mail():
    _, signs = run(DEFAULT, *[failed(n / 60, delivery=n) for n in range(1, 60)])
    assert signs == []


def test_a_receiver_that_comes_and_goes_is_told_of_once_an_hour():
    calls = []
    for minute in range(0, 50, 5):
        calls += [failed(minute), failed(minute + 2, minute, 2), passed(minute + 4)]
    _, signs = run(DEFAULT, *calls)
    assert signs == [Sign.FAILING, Sign.RECOVERED]


def test_one_that_stays_away_after_that_is_told_of_when_the_hour_is_over():
    _, signs = run(
        DEFAULT,
        *[failed(0), failed(2, 0, 2), passed(4)],
        *[failed(10), failed(12, 10, 2), failed(20, 10, 3), failed(70, 10, 4)],
    )
    assert signs == [Sign.FAILING, Sign.RECOVERED, Sign.FAILING]


def test_what_began_before_the_latest_success_is_no_reason_for_a_mail():
    _, signs = run(DEFAULT, failed(0), passed(1), failed(2, 0, 2))
    assert signs == []


def test_a_healthy_webhook_stays_quiet():
    state, _ = run(DEFAULT, passed(0), passed(1))
    assert state.is_quiet
    state, _ = run(DEFAULT, failed(2), state=state)
    assert not state.is_quiet


def test_people_hear_of_the_recovery_after_an_activation_too():
    """It ends the spell and leaves what people believe."""
    state = State(alarmed=True, told_at=NOW)
    assert not state.is_quiet
    _, signs = run(DEFAULT, passed(300), state=state)
    assert signs == [Sign.RECOVERED]


def test_an_event_that_fits_no_placeholder_says_nothing_about_the_receiver():
    misfit = [failed(at, lost=True, unmade=True, delivery=at) for at in range(9)]
    state, signs = run(Rule(1, 1), *misfit)
    assert state == State()
    assert signs == [Sign.DELIVERY_FAILED] * 9
