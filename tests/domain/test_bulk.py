"""What nobody waits for gives way to what somebody does, and always moves on."""

from hypothesis import given
from hypothesis import strategies as st

from callboard.delivery import turns
from callboard.delivery.bulk import Bulk
from callboard.delivery.ledger import Claimed
from tests.domain.test_flights import claimed
from tests.domain.test_turns import turn

PLACES = 256
TENTH = 25
SHORT, LONG = 0.004, 0.05
LOOKS = st.tuples(st.booleans(), st.integers(0, 300), st.sampled_from([SHORT, LONG]))


def live(webhook: str = "wh_live") -> Claimed:
    return claimed(1, webhook)


def bulk(number: int, webhook: str = "wh_bulk") -> list[Claimed]:
    return [claimed(seq, webhook, bulk=True) for seq in range(number)]


def beside_live(looks: int = 0) -> Bulk:
    """After so many short looks, each of which took all that it might."""
    found = Bulk(PLACES)
    found.learn([live()], SHORT, None, 0.0)
    for _ in range(looks):
        room = found.most(0.0)
        assert room is not None
        found.learn([*bulk(room), live()], SHORT, room, 0.0)
    return found


def test_alone_it_may_have_everything():
    found = Bulk(PLACES)
    found.learn(bulk(200), LONG, None, 0.0)
    assert found.most(0.1) is None
    assert found.ahead(0.1) == 3 * PLACES


def test_beside_live_traffic_it_begins_with_its_tenth():
    found = beside_live()
    assert found.most(0.1) == TENTH
    assert found.ahead(0.1) == 3 * TENTH


def test_some_time_after_live_traffic_has_ended_it_may_have_everything_again():
    found = beside_live()
    assert (found.most(1.9), found.most(2.1)) == (TENTH, None)


def test_a_webhook_that_falls_behind_does_not_stand_in_its_own_way():
    found = Bulk(PLACES)
    found.learn([live("wh_a")], SHORT, None, 0.0)
    found.learn(bulk(9, "wh_a"), SHORT, TENTH, 0.1)
    assert found.most(0.1) is None


def test_a_webhook_with_few_live_deliveries_among_many_others_is_not_live():
    found = Bulk(PLACES)
    found.learn([*bulk(9, "wh_a"), live("wh_a")], SHORT, None, 0.0)
    assert found.most(0.1) is None


def test_it_takes_more_while_looks_are_short_and_less_after_a_long_one():
    found = beside_live(looks=40)
    assert found.most(0.1) == TENTH + 40
    found.learn([live()], LONG, 65, 0.1)
    assert found.most(0.1) == int((TENTH + 40) * 0.8)


def test_what_it_does_not_use_does_not_grow():
    found = beside_live()
    found.learn([live(), *bulk(TENTH - 1)], SHORT, TENTH, 0.1)
    assert found.most(0.1) == TENTH


@given(st.integers(1, 500), st.lists(LOOKS, max_size=200))
def test_whatever_comes_it_keeps_its_tenth(
    places: int, looks: list[tuple[bool, int, float]]
):
    found, tenth = Bulk(places), max(places // 10, 1)
    for number, (is_live, wanted, seconds) in enumerate(looks):
        at = number * 0.1
        room = found.most(at)
        took = bulk(wanted if room is None else min(room, wanted))
        found.learn([*took, *([live()] if is_live else [])], seconds, room, at)
        most = found.most(at)
        assert most is None or tenth <= most <= 2 * places
        assert tenth <= found.ahead(at) <= (3 if most is None else 1) * places


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50))), st.integers(0, 100))
def test_a_bound_takes_nothing_from_live_turns(
    wanted: list[tuple[bool, int]], most: int
):
    waiting = [turn(bulk=is_bulk) for is_bulk, _ in wanted]
    wants = [want for _, want in wanted]
    found = turns.bound(waiting, wants, most)
    kinds = [is_bulk for is_bulk, _ in wanted]
    pairs = list(zip(kinds, found, wants, strict=True))
    assert all(got == want for is_bulk, got, want in pairs if not is_bulk)
    total = sum(want for is_bulk, want in wanted if is_bulk)
    assert sum(got for is_bulk, got, _ in pairs if is_bulk) == min(most, total)
