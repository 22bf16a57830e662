"""From which lanes a worker claims when it looks."""

from callboard.delivery.flights import Flights
from callboard.delivery.lanes import Lanes
from callboard.delivery.states import Lane
from tests.domain.test_flights import board, claimed

ALL = list(Lane)


def test_under_load_the_others_are_looked_at_now_and_then():
    lanes = Lanes(Flights(8))
    board(lanes.flights, claimed(1))
    looks = [lanes.due(at / 100) for at in range(100, 112, 2)]
    assert [found == ALL for found in looks] == [True, False, False] * 2
    assert all(Lane.EXPRESS in found for found in looks)


def test_where_more_waits_it_is_looked_at_when_half_of_its_room_is_free():
    lanes = Lanes(Flights(8))
    board(lanes.flights, *(claimed(n, f"wh_{n}") for n in range(2)), lane=Lane.PATIENT)
    assert lanes.due(1.0) == ALL
    lanes.claimed(Lane.PATIENT, more_waits=True)
    assert lanes.due(1.01) == [Lane.EXPRESS, Lane.PATIENT]
    board(lanes.flights, claimed(2, "wh_2"), lane=Lane.PATIENT)
    assert lanes.due(1.02) == [Lane.EXPRESS]


def test_where_nothing_is_under_way_it_looks_at_all():
    lanes = Lanes(Flights(8))
    assert [lanes.due(at / 100) for at in range(100, 103)] == [ALL] * 3
