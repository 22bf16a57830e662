"""How many calls a webhook may have: fair, within its cap and its rate."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.delivery import turns
from callboard.delivery.states import Lane
from callboard.delivery.turns import Turn
from tests.make import NOW

WANTS = st.lists(st.integers(0, 300), max_size=40)
CALM = Turn(
    webhook="wh",
    version=1,
    ordered=False,
    lane=Lane.EXPRESS,
    cap=10,
    slots=4,
    leased=1,
    empty_looks=0,
    rate=None,
    tokens=0.0,
    tokens_at=NOW,
)


def turn(**parts: Any) -> Turn:
    """Whatever kind of value a turn is."""
    if hasattr(Turn, "__struct_fields__"):
        return Turn(**{n: getattr(CALM, n) for n in Turn.__struct_fields__} | parts)
    return replace(CALM, **parts)


@given(st.integers(0, 300), WANTS)
def test_places_are_shared_out_whole_and_fairly(free: int, wants: list[int]):
    takes = turns.share(free, wants)
    assert sum(takes) == min(free, sum(wants))
    assert all(0 <= take <= want for take, want in zip(takes, wants, strict=True))
    pairs = list(zip(takes, wants, strict=True))
    hungry = [take for take, want in pairs if take < want]
    if hungry and free >= len(wants):
        assert max(takes) <= max(hungry) + max(len(wants), 1)
        assert min(hungry) >= 1


@pytest.mark.parametrize(
    ("parts", "held", "more"),
    [
        pytest.param({}, 1, 19, id="all leases are the caller's"),
        pytest.param({}, None, 3, id="it was not quick lately"),
        pytest.param({"leased": 2}, 1, 2, id="another worker has one"),
        pytest.param({"leased": 6}, 4, 0, id="another worker leased ahead"),
        pytest.param({"leased": 20}, 20, 0, id="four times its slots are ahead"),
        pytest.param({"leased": 0}, 0, 20, id="nothing is under way"),
        pytest.param({"ordered": True}, 1, 0, id="ordered: one after the other"),
        pytest.param({"lane": Lane.PATIENT}, 1, 0, id="patient"),
        pytest.param({"rate": 1.0, "tokens": 1.0, "leased": 4}, 4, 0, id="with a rate"),
    ],
)
def test_only_who_calls_it_alone_may_lease_ahead(parts, held, more):
    assert turns.allowance(turn(**parts), NOW, held) == more


@pytest.mark.parametrize(
    ("parts", "more"),
    [
        pytest.param({}, 3, id="slots less what is under way"),
        pytest.param({"leased": 4}, 0, id="none free"),
        pytest.param({"leased": 9}, 0, id="the cap was lowered"),
        pytest.param({"ordered": True}, 0, id="ordered, one under way"),
        pytest.param({"ordered": True, "leased": 0}, 1, id="ordered"),
        pytest.param({"lane": Lane.PATIENT}, 0, id="patient, one under way"),
        pytest.param({"lane": "patient", "leased": 0}, 1, id="patient, as text"),
        pytest.param({"rate": 2.0, "tokens": 1.9}, 1, id="rate"),
        pytest.param({"rate": 2.0, "tokens": -5.0}, 0, id="rate overdrawn"),
    ],
)
def test_a_webhook_may_have_so_many_more_calls(parts: dict[str, Any], more: int):
    assert turns.allowance(turn(**parts), NOW) == more


@pytest.mark.parametrize("rate", [0.01, 1.0, 2.5, 100.0])
def test_a_rate_gathers_a_second_at_most_and_says_when_it_goes_on(rate: float):
    waiting = turn(rate=rate, tokens=0.0)
    after = turns.next_token(waiting, 0.0, NOW)
    assert after == NOW + timedelta(seconds=1 / rate)
    assert turns.tokens(waiting, after) == pytest.approx(1, abs=0.001)
    much_later = NOW + timedelta(days=1)
    assert turns.tokens(waiting, much_later) == max(rate, 1.0)
    assert turns.tokens(waiting, NOW - timedelta(hours=1)) == 0.0


def test_a_webhook_without_a_rate_never_waits_for_one():
    assert turns.next_token(turn(rate=None), 0.0, NOW) is None
    assert turns.next_token(turn(rate=2.0), 1.0, NOW) is None


def test_quick_answers_double_what_it_may_have_up_to_its_cap():
    now = turn(slots=1, leased=1)
    for slots in (2, 4, 8, 10, 10):
        now = turns.after_calls(turn(slots=now.slots), [0.1], False)
        assert (now.slots, now.lane) == (slots, Lane.EXPRESS)


@pytest.mark.parametrize(
    ("seconds", "still_slow", "lane", "slots"),
    [
        ([1.5], False, Lane.PATIENT, 1),
        ([0.1], True, Lane.PATIENT, 1),
        ([1.5, 0.1], False, Lane.EXPRESS, 2),
        ([0.1, 1.5], False, Lane.PATIENT, 1),
    ],
)
def test_a_slow_answer_makes_it_patient(seconds, still_slow, lane, slots):
    after = turns.after_calls(turn(leased=2), seconds, still_slow)
    assert (after.lane, after.slots) == (lane, slots)
    assert after.leased == 2 - len(seconds)


@pytest.mark.parametrize(
    ("take", "taken", "more"),
    [(0, 0, False), (3, 3, True), (3, 2, False), (20, 9, False), (20, 10, True)],
)
def test_where_all_or_many_were_found_there_may_be_more(take, taken, more):
    assert turns.may_leave_more(take, taken) is more


@pytest.mark.parametrize(
    ("bulk", "take", "taken", "more"),
    [
        (False, 9, 9, False),
        (False, 10, 10, True),
        (False, 20, 10, False),
        (True, 1, 1, True),
        (True, 2, 1, False),
    ],
)
def test_a_queue_is_one_until_its_end_is_found(bulk, take, taken, more):
    assert turns.leaves_more(turn(bulk=bulk), take, taken) is more
