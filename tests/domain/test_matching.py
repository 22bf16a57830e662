import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.matching.context import Context, TagFilter
from callboard.matching.explain import explain, explain_events
from callboard.matching.filters import FilterSettings, check_filters, compile_filters
from callboard.matching.patterns import (
    Matcher,
    check_events,
    check_type_name,
    compile_patterns,
    nearest,
    unknown_type,
)
from callboard.matching.sending import Sending
from callboard.matching.subject import Subject
from callboard.matching.verdict import Verdict
from tests import make

segments = st.sampled_from(["a", "b", "contact", "contact_modified", "x-1"])
names = st.lists(segments, min_size=1, max_size=4).map(".".join)
events = st.one_of(names, names.map("{}.*".format), st.just("*"))


def plainly_matches(event, name):
    if event == "*":
        return True
    if event.endswith(".*"):
        return (
            re.fullmatch(re.escape(event[:-1]) + r"[^.]+(\.[^.]+)*", name) is not None
        )
    return event == name


@pytest.mark.parametrize(
    ("event", "listens", "does_not"),
    [
        ("contact.created", ["contact.created"], ["contact", "contact.created.x"]),
        ("contact.*", ["contact.created", "contact.a.b"], ["contact", "contacts.a"]),
        ("a.b.*", ["a.b.c"], ["a.b", "a.c", "a.bc"]),
        ("*", ["contact", "contact.created"], []),
        ("sending_Bounce", ["sending_Bounce"], ["sending_bounce"]),
    ],
)
def test_a_star_stands_for_one_or_more_whole_segments(event, listens, does_not):
    patterns = compile_patterns([event])
    assert [name for name in listens + does_not if patterns.matches(name)] == listens


@given(listed=st.lists(events, min_size=1, max_size=5), name=names)
def test_patterns_mean_what_the_plain_rule_says(listed, name):
    wanted = any(plainly_matches(event, name) for event in listed)
    assert compile_patterns(listed).matches(name) == wanted


@given(
    webhooks=st.lists(st.lists(events, min_size=1, max_size=4), max_size=8),
    asked=st.lists(names, min_size=1, max_size=8),
)
def test_the_matcher_agrees_with_each_webhook_alone(webhooks, asked):
    compiled = [
        (place, compile_patterns(listed)) for place, listed in enumerate(webhooks)
    ]
    matcher = Matcher(compiled, tuple)
    for name in asked + asked:
        alone = [place for place, patterns in compiled if patterns.matches(name)]
        assert list(matcher.wanted(name)) == alone


def test_ten_thousand_webhooks_cost_little():
    listed = [["*"], ["contact.*"], ["contact.created", "order.paid"], ["order.*"]]
    compiled = [compile_patterns(events) for events in listed]
    webhooks = ((f"wh_{n}", compiled[n % 4]) for n in range(10_000))
    matcher = Matcher(webhooks, tuple)
    started = time.thread_time()
    assert len(matcher.wanted("contact.created")) == 7500
    first = time.thread_time() - started
    for _ in range(1000):
        matcher.wanted("contact.created")
    assert first < 0.1  # of CPU; a tenth of it as a rule
    assert time.thread_time() - started - first < 0.1


def test_the_matcher_forgets_before_it_grows_without_bound():
    webhooks = ((n, compile_patterns(["*"])) for n in range(1000))
    matcher = Matcher(webhooks, tuple)
    for n in range(2000):
        assert len(matcher.wanted(f"type.{n}")) == 1000
    assert sum(map(len, matcher._known.values())) <= 1_000_000


@pytest.mark.parametrize(
    "name",
    [
        "contact.created",
        "contact_modified",
        "sending_Bounce",
        "a",
        "1.2",
        "a-b",
        "a" * 128,
    ],
)
def test_names_that_are_fine(name):
    assert check_type_name(name) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a b",
        "a.*",
        "*",
        "é",
        "a\n",
        "a/b",
        "${a}",
        "a" * 129,
    ],
)
def test_names_that_are_refused(name):
    assert [problem.field for problem in check_type_name(name)] == ["name"]


KNOWN = ["contact.created", "contact.updated", "order.paid"]


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        pytest.param(["contact.created", "order.*", "*"], [], id="all fine"),
        pytest.param(["later.*"], [], id="a pattern may wait for types"),
        pytest.param([], [("events", "empty")], id="none"),
        pytest.param(["a.*"] * 1001, [("events", "too_many")], id="too many"),
        pytest.param(
            ["order.paid", "contact.create"],
            [("events.1", "unknown_type")],
            id="unknown",
        ),
        *[
            pytest.param([event], [("events.0", "pattern")], id=event)
            for event in ["contact*", "contact.*.a", "*.created", "**", "a.**", ".*"]
        ],
        pytest.param(["a b"], [("events.0", "name")], id="no name"),
    ],
)
def test_the_events_of_a_webhook(listed, found):
    problems = check_events(listed, KNOWN)
    assert [(problem.field, problem.code) for problem in problems] == found


def test_many_unknown_types_are_quickly_refused():
    problems = check_events([f"nope.{n}" for n in range(1000)], KNOWN)
    assert len(problems) == 10


def test_a_near_name_is_offered():
    assert nearest("contact.create", KNOWN)[0] == "contact.created"
    assert nearest("Order.Paid", KNOWN) == ["order.paid"]
    assert nearest("zzz", KNOWN) == []
    assert len(nearest("contact.a", [f"contact.{word}" for word in "bcdef"])) == 3
    message = unknown_type("contact.create", KNOWN).message
    assert "Did you mean contact.created or contact.updated?" in message


def test_a_huge_name_is_not_repeated():
    assert "x" * 128 + " in" in unknown_type("x" * 128, KNOWN).message
    assert len(unknown_type("x" * 100_000, KNOWN).message) < 250


@pytest.mark.parametrize(
    ("listed", "name", "passes", "why"),
    [
        (
            ["contact.created", "order.*"],
            "contact.paid",
            False,
            "It listens to contact.created and order.*, not to contact.paid.",
        ),
        (["a.b"], "a.c", False, "It listens to a.b, not to a.c."),
        (
            [f"a.{n}" for n in range(9)],
            "b",
            False,
            "It listens to a.0, a.1, a.2, a.3 and 5 more, not to b.",
        ),
        (["*", "a.b"], "a.b", True, "It listens to a.b."),
        (["a.*"], "a.b", True, "It listens to a.*, which covers a.b."),
        (["a.*", "*"], "b", True, "It listens to every event type."),
        (["*"], "a", True, "It listens to every event type."),
        (["a"], "b", False, "It listens to a, not to b."),
    ],
)
def test_why_a_webhook_gets_an_event_or_not(listed, name, passes, why):
    assert explain_events(listed, name) == Verdict(passes, why)


@given(listed=st.lists(events, min_size=1, max_size=8), name=names)
def test_the_explanation_agrees_with_the_match(listed, name):
    verdict = explain_events(listed, name)
    assert verdict.passes == compile_patterns(listed).matches(name)
    assert verdict.why.endswith(".")


WANTED = FilterSettings(
    filter="role=MEMBER",
    conditions={"age:gte": 18},
    context=Context(filters=(TagFilter("r.3", True),)),
    sending=Sending(modes=("unitary",)),
)


@pytest.mark.parametrize(
    ("text", "tags", "sending", "why"),
    [
        (
            '{"role": "MEMBER", "age": 18}',
            ("r.7",),
            "unitary",
            "It listens to a. It passes its message filter: its sending is unitary."
            " It passes its context: it is in r.7, below r.3."
            " It passes its conditions: age is 18."
            " It passes its filter: role is MEMBER.",
        ),
        ("{}", (), "batch", "Stopped by its message filter: its sending is batch, not"),
        ("{}", ("r.4",), None, "Stopped by its context: it is in r.4, and only r.3"),
        ("{}", ("r.3",), None, "Stopped by its conditions: age is missing."),
        ('{"age": 20}', ("r.3",), None, "Stopped by its filter: there is no role."),
        ("1e999", ("r.3",), None, "Stopped by its conditions: its data cannot be read"),
    ],
)
def test_the_first_part_that_stops_an_event_is_named(text, tags, sending, why):
    filters = compile_filters(WANTED, {"r.7": "r.3"})
    assert filters is not None
    subject = Subject(text, make.NOW, tags, sending)
    verdict = explain(["a"], filters, "a", subject)
    assert verdict.passes == filters.passes(subject)
    assert verdict.why.startswith(why)
    assert explain(["b"], filters, "a", subject).why == "It listens to b, not to a."


def test_data_is_read_only_where_a_filter_asks_for_it():
    messages = compile_filters(FilterSettings(sending=WANTED.sending), {})
    assert messages is not None
    assert messages.passes(Subject("no json at all", make.NOW, sending="unitary"))
    assert compile_filters(FilterSettings(), {}) is None


def test_the_problems_of_all_filters_come_at_once():
    wrong = FilterSettings(
        filter="role",
        conditions={"a:x": 1},
        context=Context(exclusions=("a b",)),
        sending=Sending(modes=("all",)),
    )
    assert check_filters(WANTED) == []
    assert [problem.field for problem in check_filters(wrong)] == [
        "filter",
        "conditions.a:x",
        "context.exclusions.0",
        "sending.modes.0",
    ]
