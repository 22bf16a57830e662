"""The index finds the webhooks that each filter alone would let pass."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.matching.context import Context, TagFilter
from callboard.matching.filters import FilterSettings, check_filters, compile_filters
from callboard.matching.index import Index
from callboard.matching.subject import Subject

AT = datetime(2026, 11, 22, tzinfo=UTC)

VALUES = st.sampled_from(
    [None, True, 0, 3, 3.0, 2.5, "3", "3.0", "A", "a", "true", "ß", "SS", "2026-11-22"]
)
DATA = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "id"]), inner, max_size=3)
    ),
    max_leaves=8,
)
WORDS = st.sampled_from(
    ["3", "3.0", "a", "A", "true", "ss", "today", "2026-11-22", "x"]
)
CONDITIONS = st.dictionaries(
    st.sampled_from(["a", "a.b", "a.id", "b", "a:not", "b:in", "a:inset", "a:gt"]),
    WORDS | st.builds("{},{}".format, WORDS, WORDS) | st.builds("3|{}".format, WORDS),
    max_size=2,
)
SELECTORS = st.lists(
    st.builds(
        "{}={}".format,
        st.sampled_from(["a", "b", "a.b", "a(*)", "a(b=3).id", "A"]),
        st.sampled_from(["3", "A", "a.*", "true", "3.0"]),
    ),
    max_size=2,
).map(";".join)
CONTEXTS = st.sampled_from([Context(), Context((TagFilter("t"),))])
WANTED = st.builds(
    lambda selectors, conditions, context: FilterSettings(
        filter=selectors, conditions=conditions, context=context
    ),
    SELECTORS,
    CONDITIONS,
    CONTEXTS,
).filter(lambda wanted: not check_filters(wanted))


@given(st.lists(WANTED, max_size=6), st.lists(DATA, min_size=1, max_size=4))
def test_it_finds_those_that_pass_alone_in_their_order(listed, events):
    filters = [compile_filters(wanted, {}) for wanted in listed * 2]
    index = Index(range(len(filters)), filters.__getitem__)
    for data in events:
        subject = Subject(json.dumps(data), AT, ("t",))
        alone = [n for n, f in enumerate(filters) if f is None or f.passes(subject)]
        assert list(index.passing(subject)) == alone


class Counted:
    """Filters that count how often they are asked."""

    def __init__(self, **conditions: object) -> None:
        wanted = FilterSettings(conditions=conditions)
        self._filters = compile_filters(wanted, {})
        self.anchors = self._filters.anchors
        self.asked = 0

    def passes(self, subject: Subject) -> bool:
        self.asked += 1
        return self._filters.passes(subject)


def test_two_thousand_of_which_one_can_pass_are_not_asked():
    """Also where a condition that they share stands before."""
    filters: list[Any] = [Counted(status="ACTIVE", company=n) for n in range(2_000)]
    index = Index(range(2_000), filters.__getitem__)
    assert index.passing(Subject('{"status": "ACTIVE", "company": 77}', AT)) == (77,)
    assert sum(each.asked for each in filters) == 1


def test_equal_filters_are_asked_once_for_an_event():
    shared: Any = Counted(**{"age:gte": 18})
    index = Index(range(1000), lambda webhook: shared)
    assert len(index.passing(Subject('{"age": 18}', AT))) == 1000
    assert shared.asked == 1


@pytest.mark.parametrize("data", ['{"a": 1e999}', "[" * 2000, "null", "3"])
def test_an_event_that_cannot_be_read_passes_no_filter_for_its_data(data):
    filters = [None, compile_filters(FilterSettings(conditions={"a": 3}), {})]
    index = Index(range(2), filters.__getitem__)
    assert index.passing(Subject(data, AT)) == (0,)
