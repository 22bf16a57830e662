"""When scheduled runs are, and what goes out together; no clock, no database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard import schedule
from callboard.matching.records import record_of
from callboard.schedule import Call, Schedule, Waiting

TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def at(clock: str) -> datetime:
    hour, minute = clock.split(":")
    return TEN.replace(hour=int(hour), minute=int(minute))


@pytest.mark.parametrize(
    ("now", "following"),
    [
        ("10:00", "10:15"),
        ("10:14", "10:15"),
        ("10:15", "10:30"),
        ("10:59", "11:00"),
        ("13:07", "13:15"),
    ],
    ids=["on time", "late", "as the next was due", "an hour late", "after an outage"],
)
def test_a_late_run_moves_no_later_one_and_stands_for_all_that_were_missed(
    now: str, following: str
):
    assert schedule.run_after(TEN, QUARTER, at(now)) == at(following)


def test_a_run_is_cut_into_calls_the_oldest_first():
    waiting = [Waiting(seq) for seq in (3, 4, 5, 8, 9)]
    made = schedule.calls(waiting, {}, 2)
    assert made == [Call((3, 4)), Call((5, 8)), Call((9,))]


def test_a_call_that_failed_is_made_again_as_it_was():
    waiting = [Waiting(1, "bat_a"), Waiting(2, "bat_a"), Waiting(3), Waiting(4)]
    made = schedule.calls(waiting, {"bat_a": 2}, 3)
    assert made == [Call((1, 2), "bat_a"), Call((3, 4))]


def test_a_call_that_lost_a_member_ends_and_the_others_go_into_new_ones():
    waiting = [Waiting(1, "bat_a"), Waiting(3, "bat_a"), Waiting(4)]
    assert schedule.calls(waiting, {"bat_a": 3}, 3) == [Call((1, 3, 4))]


def test_calls_of_one_carry_no_older_ones_of_several():
    waiting = [Waiting(1, "bat_a"), Waiting(2, "bat_a")]
    assert schedule.calls(waiting, {"bat_a": 2}, 1) == [Call((1,)), Call((2,))]


def test_what_came_later_passes_no_call_that_is_made_again():
    """Where order counts, 4 would go out before 2."""
    waiting = [Waiting(1), Waiting(2, "bat_a"), Waiting(3, "bat_a"), Waiting(4)]
    assert schedule.calls(waiting, {"bat_a": 2}, 2) == [
        Call((1,)),
        Call((2, 3), "bat_a"),
        Call((4,)),
    ]


@given(
    st.lists(st.sampled_from([None, "bat_a", "bat_b"]), max_size=30),
    st.integers(1, 7),
    st.integers(0, 3),
)
def test_each_delivery_is_in_one_call(buckets: list[str | None], size: int, lost: int):
    waiting = [Waiting(seq, bucket) for seq, bucket in enumerate(buckets)]
    members = {id: buckets.count(id) + lost for id in ("bat_a", "bat_b")}
    made = schedule.calls(waiting, members, size)
    assert sorted(seq for call in made for seq in call.seqs) == list(
        range(len(waiting))
    )
    assert all(list(call.seqs) == sorted(call.seqs) for call in made)
    assert [call.seqs[0] for call in made] == sorted(call.seqs[0] for call in made)


@pytest.mark.parametrize(
    ("given_", "fields"),
    [
        (Schedule(), []),
        (Schedule(1, 1, 1), []),
        (Schedule(1440, 10_000, 100), []),
        (Schedule(0), ["every_minutes"]),
        (Schedule(1441, 0, 0), ["every_minutes", "batch_size", "bucket_size"]),
        (Schedule(1, 10_001, 101), ["batch_size", "bucket_size"]),
        (Schedule(1, 0, 1), ["batch_size"]),
        (Schedule(batch_size=5, bucket_size=6), ["bucket_size"]),
        (Schedule(every_minutes=True), ["every_minutes"]),
    ],
)
def test_a_schedule_has_bounds(given_: Schedule, fields: list[str]):
    found = [problem.field for problem in schedule.check(given_)]
    assert found == [f"delivery.{name}" for name in fields]


def test_calls_are_arrays_as_soon_as_two_events_may_share_one():
    assert [Schedule(bucket_size=n).sends_arrays for n in (1, 2)] == [False, True]


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        (
            Schedule(),
            "Every 15 minutes, at most 60 deliveries a run, each in a call of its own",
        ),
        (
            Schedule(60, 500, 10, latest_only=True),
            "Every hour, at most 500 deliveries a run, up to 10 in one call,"
            " of each record only the latest event",
        ),
        (
            Schedule(1440),
            "Once a day, at most 60 deliveries a run, each in a call of its own",
        ),
        (
            Schedule(90),
            "Every 90 minutes, at most 60 deliveries a run, each in a call of its own",
        ),
    ],
)
def test_a_schedule_can_be_said_in_words(given_: Schedule, words: str):
    assert schedule.describe(given_) == words


@pytest.mark.parametrize(
    ("type", "data", "record"),
    [
        ("contact.created", '{"id": 42}', "contact 42"),
        ("contact.updated", '{"id": "42"}', "contact 42"),
        ("contact.updated", '{"contactNumber": "1000234"}', "contact 1000234"),
        ("contact.updated", '{"contact_id": 7, "email": "a@b"}', "contact 7"),
        ("contact_added", '{"ContactID": {"idContact": 987}}', "contact 987"),
        ("order_line.changed", '{"orderLineId": 3}', "order_line 3"),
        ("contact.updated", '{"contact": {"id": 5}}', "contact 5"),
        ("order.created", '{"customer": {"id": 7}}', None),
        ("contact.created", '{"id": null}', None),
        ("contact.created", '{"id": true}', None),
        ("contact.created", '{"id": ""}', None),
        ("contact.created", "[1]", None),
        ("contact.created", '{"id": "' + "x" * 300 + '"}', None),
        ("ping", '{"id": 1}', "ping 1"),
    ],
)
def test_a_record_is_known_by_its_type_and_id(type: str, data: str, record: str | None):
    assert record_of(type, data) == record
