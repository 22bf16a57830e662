"""What a worker starts at once, what waits, and what it gives back."""

from datetime import UTC, datetime

from callboard.delivery.calls.targets import Target
from callboard.delivery.flights import Flight, Flights
from callboard.delivery.hosts import Hosts
from callboard.delivery.ledger import Claimed
from callboard.delivery.loads import Loads
from callboard.delivery.states import Lane, Trigger
from callboard.delivery.turns import SLOW_SECONDS
from callboard.payload.values import LARGEST_BODY, Facts
from callboard.webhooks.settings import NewWebhook
from tests import make

QUICK, SLOWER = 0.01, 0.5


def claimed(
    seq: int, webhook: str = "wh_a", slots: int = 2, bulk: bool = False, unread: int = 0
) -> Claimed:
    return Claimed(
        seq=seq,
        lease="wrk/1",
        account="acc",
        webhook=webhook,
        version=1,
        slots=slots,
        trigger=Trigger.PLAN,
        tries=0,
        attempts=0,
        planned=None,
        unread=unread,
        facts=Facts("evt", "t", "{}", datetime(2026, 1, 1, tzinfo=UTC)),
        bucket=None,
        deferred=bulk,
        late=False,
        queued=False,
    )


def board(
    flights: Flights, *leased: Claimed, lane: Lane = Lane.EXPRESS, host: str = ""
) -> list[Flight]:
    return flights.board(
        Flight(each, to(host or each.webhook), lane) for each in leased
    )


def to(host: str) -> Target:
    return make.target(NewWebhook(url=f"https://{host}/", events=("*",)))


def seqs(flights: list[Flight]) -> list[int]:
    return [flight.claimed.seq for flight in flights]


def test_a_webhook_fills_its_slots_and_no_more():
    assert seqs(board(Flights(8), *map(claimed, range(5)))) == [0, 1]


def test_what_was_leased_ahead_begins_as_another_call_ends():
    flights = Flights(8)
    first, _ = board(flights, *map(claimed, range(4)))
    assert seqs(flights.land(first, QUICK)) == [2]
    assert len(flights) == 2


def test_the_slot_of_a_call_that_has_ended_is_free_again():
    flights = Flights(8)
    for flight in board(flights, claimed(1), claimed(2)):
        flights.land(flight, QUICK)
    assert seqs(board(flights, claimed(3), claimed(4))) == [3, 4]


def test_what_finds_no_place_waits_in_the_order_of_the_claim():
    flights = Flights(2)
    leased = [claimed(1), claimed(2), claimed(3, "wh_b"), claimed(4, "wh_c")]
    first, second = board(flights, *leased)
    assert flights.is_full
    assert seqs(flights.land(first, QUICK)) == [3]
    assert seqs(flights.land(second, QUICK)) == [4]


def test_four_times_as_many_may_be_leased_ahead_as_there_are_places():
    flights = Flights(4)
    assert flights.room(Lane.EXPRESS) == 20
    board(flights, *(claimed(n, slots=4) for n in range(6)))
    assert flights.room(Lane.EXPRESS) == 14


def test_what_waits_for_its_host_counts_as_leased_ahead():
    flights = Flights(4, Hosts(share=1))
    board(flights, claimed(1), claimed(2))
    assert flights.room(Lane.EXPRESS) == 3 + 4 * 4 - 1


def test_only_quick_webhooks_are_held():
    flights = Flights(8)
    a, _ = board(flights, *map(claimed, range(4)))
    b, _ = board(flights, claimed(4, "wh_b"), claimed(5, "wh_b"))
    assert flights.held() == {}
    flights.land(a, QUICK)
    flights.land(b, SLOWER)
    assert flights.held() == {"wh_a": 3}


def test_one_that_is_quick_no_longer_is_held_no_longer():
    flights = Flights(8)
    first, second = board(flights, claimed(1), claimed(2))
    flights.land(first, QUICK)
    assert flights.held() == {"wh_a": 1}
    flights.land(second, SLOWER)
    assert flights.held() == {}


def test_all_bulk_that_takes_express_places_counts_as_such():
    """Under way, ahead, and waiting for its host or for large events."""
    flights = Flights(8, Hosts(share=3), Loads(100))
    board(flights, *(claimed(n, bulk=True) for n in range(3)), host="r.example")
    leased = [claimed(n, f"wh_{n}", bulk=True, unread=100) for n in range(3, 5)]
    board(flights, *leased, claimed(5, "wh_b", bulk=True), host="r.example")
    board(flights, claimed(6, "wh_c", bulk=True), lane=Lane.PATIENT)
    board(flights, claimed(7, "wh_d"))
    assert flights.bulk == 6


def test_what_waits_too_long_is_given_back():
    flights = Flights(8)
    board(flights, *map(claimed, range(4)))
    assert flights.give_up(60) == []
    assert [each.seq for each in flights.give_up(0)] == [2, 3]
    assert len(flights) == 2


def test_what_waits_for_a_place_is_given_back_too_and_its_slot_is_free_again():
    flights = Flights(2)
    _, other = board(flights, claimed(1), claimed(2, "wh_b"), claimed(3))
    assert flights.give_up(60) == []
    assert [each.seq for each in flights.give_up(0)] == [3]
    assert flights.land(other, QUICK) == []
    assert seqs(board(flights, claimed(3))) == [3]


def test_slow_calls_leave_half_of_the_places_to_quick_ones():
    flights = Flights(8)
    board(flights, *(claimed(n, f"wh_{n}", 1) for n in range(4)), lane=Lane.PATIENT)
    assert flights.room(Lane.PATIENT) == 0
    assert len(board(flights, *(claimed(n, slots=9) for n in range(9)))) == 4


def test_an_untried_webhook_takes_no_more_than_a_quarter():
    flights = Flights(8)
    board(flights, claimed(1, "wh_1"), lane=Lane.UNTRIED)
    assert flights.room(Lane.UNTRIED) == 1
    assert flights.room(Lane.PATIENT) == 3


def test_a_slow_call_begins_though_quick_ones_fill_their_places():
    """It has places of its own, and was leased for one of them."""
    flights = Flights(2)
    board(flights, claimed(1), claimed(2))
    assert flights.is_full
    assert seqs(board(flights, claimed(3, "wh_b"), lane=Lane.PATIENT)) == [3]


def test_a_call_counts_as_slow_in_its_second_second_and_not_before():
    flights = Flights(8)
    old, _ = board(flights, claimed(1), claimed(2, "wh_b"), claimed(3, slots=1))
    assert flights.age() == frozenset()
    assert (flights.room(Lane.PATIENT), old.lane) == (4, Lane.EXPRESS)
    old.since -= 1.1
    assert flights.age() == {"wh_a"}
    assert (flights.room(Lane.PATIENT), old.lane) == (3, Lane.PATIENT)
    assert len(board(flights, *(claimed(n, "wh_c", 9) for n in range(4, 13)))) == 6
    assert [each.seq for each in flights.give_up(60)] == [3]
    flights.land(old, SLOWER)
    assert flights.age() == frozenset()
    assert flights.room(Lane.PATIENT) == 4


def test_a_call_that_has_ended_turns_slow_no_more():
    flights = Flights(8)
    (old,) = board(flights, claimed(1))
    old.since -= SLOW_SECONDS + 1
    flights.land(old, SLOWER)
    assert flights.age() == frozenset()
    assert flights.room(Lane.PATIENT) == 4


def test_webhooks_of_one_host_share_its_cap():
    flights = Flights(8, Hosts(share=2))
    first, _ = board(
        flights, *(claimed(n, f"wh_{n}") for n in range(4)), host="r.example"
    )
    assert seqs(board(flights, claimed(9, "wh_9"), host="s.example")) == [9]
    assert seqs(flights.land(first, QUICK)) == [2]
    assert [each.seq for each in flights.give_up(0)] == [3]


def test_half_of_a_hosts_cap_is_for_quick_calls():
    flights = Flights(16, Hosts(share=4))
    leased = [claimed(n, f"wh_{n}") for n in range(3)]
    patient = board(flights, *leased, lane=Lane.PATIENT, host="r.example")
    assert seqs(patient) == [0, 1]
    assert seqs(board(flights, claimed(7), claimed(8), host="r.example")) == [7, 8]
    assert seqs(flights.land(patient[0], SLOWER)) == [2]


def test_a_quick_call_that_turns_slow_takes_of_the_other_half():
    flights = Flights(16, Hosts(share=4))
    for flight in board(flights, claimed(1), claimed(2), host="r.example"):
        flight.since -= SLOW_SECONDS + 1
    flights.age()
    leased = claimed(3, "wh_b")
    assert board(flights, leased, lane=Lane.PATIENT, host="r.example") == []


def large(seq: int, size: int = 100) -> Claimed:
    return claimed(seq, f"wh_{seq}", unread=size)


def with_many(seq: int) -> Claimed:
    return claimed(seq, f"wh_{seq}", unread=20 * LARGEST_BODY)


class TestLargeEvents:
    """Two may go out at once, and two to those that are slow."""

    def test_they_wait_for_others_and_the_small_pass(self):
        flights = Flights(8, loads=Loads(200))
        begun = board(flights, *map(large, range(5)), claimed(5))
        assert seqs(begun) == [0, 1, 5]
        for place, flight in enumerate(begun[:2]):
            assert seqs(flights.land(flight, QUICK)) == [2 + place]
        assert flights.land(begun[2], QUICK) == []

    def test_several_follow_one_that_was_larger(self):
        flights = Flights(8, loads=Loads(200))
        (first,) = board(flights, large(0, 200), large(1), large(2), large(3))
        assert seqs(flights.land(first, QUICK)) == [1, 2]

    def test_one_that_is_larger_than_all_that_may_go_out_goes_alone(self):
        flights = Flights(8, loads=Loads(50))
        (first,) = board(flights, large(0), large(1))
        assert seqs(flights.land(first, QUICK)) == [1]

    def test_slow_ones_keep_no_quick_one_waiting(self):
        flights = Flights(8, loads=Loads(200))
        for flight in board(flights, large(0), large(1)):
            flight.since -= SLOW_SECONDS + 1
        flights.age()
        assert seqs(board(flights, large(2), lane=Lane.PATIENT)) == []
        assert seqs(board(flights, large(3), large(4))) == [3, 4]

    def test_when_more_of_them_turn_slow_than_may_the_small_still_pass(self):
        flights = Flights(16, loads=Loads(200))
        for first in (0, 2):
            for flight in board(flights, large(first), large(first + 1)):
                flight.since -= SLOW_SECONDS + 1
            flights.age()
        assert seqs(board(flights, claimed(4, "wh_s"), lane=Lane.PATIENT)) == [4]

    def test_while_many_go_out_few_are_leased(self):
        """Some, for there may be small ones among them."""
        flights = Flights(32, loads=Loads(200))
        (first,) = board(flights, large(0))
        assert flights.room(Lane.EXPRESS) == 31 + 4 * 32
        board(flights, *map(large, range(1, 5)))
        assert flights.room(Lane.EXPRESS) == 16 - 3
        assert flights.room(Lane.PATIENT) == 16
        flights.land(first, QUICK)
        assert flights.room(Lane.EXPRESS) == 16 - 2

    def test_of_calls_with_many_events_one_goes_out_at_a_time_and_others_pass(self):
        """However slow it is: most of them are."""
        flights = Flights(8)
        begun = board(flights, *map(with_many, (0, 1)), large(2), claimed(3))
        assert seqs(begun) == [0, 2, 3]
        begun[0].since -= SLOW_SECONDS + 1
        flights.age()
        assert seqs(board(flights, with_many(4))) == []
        patient = board(flights, large(5), with_many(6), lane=Lane.PATIENT)
        assert seqs(patient) == [5]
        assert flights.room(Lane.PATIENT) == 4 - 2 - 1
        assert seqs(flights.land(begun[0], SLOWER)) == [1]

    def test_those_that_wait_too_long_are_given_back(self):
        flights = Flights(8, loads=Loads(100))
        (first,) = board(flights, large(0), large(1))
        assert [each.seq for each in flights.give_up(0)] == [1]
        assert flights.land(first, QUICK) == []
        assert flights.room(Lane.EXPRESS) == 40
