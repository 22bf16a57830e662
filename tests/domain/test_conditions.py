"""Field conditions: all operators, by the vendor's examples and a naive evaluator."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.matching.conditions import check_conditions, compile_conditions
from callboard.matching.subject import Subject
from callboard.matching.verdict import Verdict

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
EMPLOYEE = {
    "id": 3098,
    "status": "ACTIVE",
    "firstName": "Jo",
    "lastName": "Doe",
    "nickName": None,
    "region": 3,
    "address": {"city": "Nice", "zip": "06000"},
    "tags": ["Night", "dog"],
    "shifts": [{"site": {"id": 1}}, {"site": {"id": 2}}],
    "age": 18,
    "rate": "12.50",
    "armed": True,
    "createdOn": "2026-01-31T08:15:00.000+00:00",
    "hired": "2026.10.24 14:05:09",
    "created_ts": 1769847300,
    "weekday": "monday",
}


def judged(wanted: dict[str, Any], data: Any = EMPLOYEE) -> Verdict:
    assert check_conditions(wanted) == []
    compiled = compile_conditions(wanted)
    assert compiled is not None
    subject = Subject(json.dumps(data), AT)
    verdict = compiled.explain(subject)
    assert verdict.passes == compiled.passes(subject)
    return verdict


HOLD: list[dict[str, Any]] = [
    {"status": "ACTIVE", "0": "lastName:isNotNull"},
    {"status": "active"},
    {"id": 3098},
    {"id": "3098"},
    {"armed": True},
    {"armed": "true"},
    {"region.id": 3},
    {"address.city": "nice"},
    {"tags": "night"},
    {"shifts.site.id": 2},
    {"createdOn": "2026-01-31"},
    {"createdOn": "01/31/2026"},
    {"createdOn": "31-01-2026"},
    {"created_ts": "2026-01-31"},
    {"status:not": "TERMINATED"},
    {"nickName:not": "Bob"},
    {"middleName:not": "Bob"},
    {"status:in": "INACTIVE,ACTIVE"},
    {"status:in": ["INACTIVE", "ACTIVE"]},
    {"id:in": [1, 3098]},
    {"lastName:contains": "O"},
    {"lastName:startswith": "do"},
    {"lastName:endsWith": "OE"},
    {"age:gt": 17},
    {"age:gte": "18"},
    {"age:lt": 18.5},
    {"age:lte": 18},
    {"rate:gt": 12},
    {"lastName:gt": "Dod"},
    {"createdOn:gt": "2026-01-30"},
    {"createdOn:gte": "2026-01-31"},
    {"createdOn:lte": "2026-01-31"},
    {"createdOn:before": "2026-02-01"},
    {"createdOn:before": "2026-01-31T09:15:01+01:00"},
    {"createdOn:after": "2026-01-30"},
    {"createdOn:between": "2026-01-31|2026-01-31"},
    {"createdOn:between": ["2025-01-01", "12/31/2026"]},
    {"hired:after": "-30 days"},
    {"hired:before": "today"},
    {"hired:before": "3 weeks ago"},
    {"hired:before": "first day of this month"},
    {"hired:between": "last saturday -5 weeks|now"},
    {"weekday:gt": "friday"},
    {"created_ts:lt": "monday"},
    {"age:between": "18|21"},
    {"nickName:isnull": ""},
    {"middleName:isnull": ""},
    {"lastName:isnotnull": ""},
    {"tags:inSet": "night,dog"},
    {"tags:inset": "cat|dog"},
    {"0": "age:gte=18", "1": "age:lt=65"},
]
FAIL: list[dict[str, Any]] = [
    {"status": "TERMINATED"},
    {"status": "ACTIV"},
    {"address": "Nice"},
    {"address.zip": 6000},
    {"armed": 1},
    {"region.name": 3},
    {"createdOn": "2026-02-01"},
    {"status:not": "active"},
    {"tags:not": "dog"},
    {"status:in": "INACTIVE,BANNED"},
    {"lastName:contains": "x"},
    {"middleName:contains": "x"},
    {"lastName:startswith": "oe"},
    {"age:gt": 18},
    {"age:gt": "x"},
    {"lastName:gt": 5},
    {"lastName:lt": 5},
    {"armed:gte": 0},
    {"createdOn:before": "2026-01-31"},
    {"createdOn:after": "2026-01-31"},
    {"createdOn:between": "2026-02-01|2026-02-28"},
    {"lastName:after": "2026-01-31"},
    {"hired:after": "yesterday"},
    {"lastName:isnull": ""},
    {"nickName:isnotnull": ""},
    {"tags:inSet": "night,cat"},
    {"tags:inset": "cat|bird"},
    {"status": "ACTIVE", "age:lt": 18},
]


@pytest.mark.parametrize("wanted", HOLD, ids=str)
def test_these_hold(wanted):
    assert judged(wanted).passes


@pytest.mark.parametrize("wanted", FAIL, ids=str)
def test_these_do_not(wanted):
    assert not judged(wanted).passes


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"status": "TERMINATED"}, "status is ACTIVE, not TERMINATED"),
        ({"status:not": "active"}, "status is ACTIVE, which is not wanted"),
        ({"status:in": "A,B,C"}, "status is ACTIVE, not A, B or C"),
        ({"tags:inset": "a,b"}, "tags is Night and dog, without a and b together"),
        ({"lastName:contains": "x"}, "lastName is Doe, which does not contain x"),
        ({"age:gte": 21}, "age is 18, not at least 21"),
        ({"age:between": "21|65"}, "age is 18, not between 21 and 65"),
        ({"hired:after": "now"}, "hired is “2026.10.24 14:05:09”, not after now"),
        ({"middleName": "x"}, "middleName is missing"),
        ({"lastName:isnull": ""}, "lastName is Doe, but must be missing"),
        ({"lastName:isnotnull": ""}, "lastName is Doe"),
        ({"status": "ACTIVE", "age": 18}, "status is ACTIVE and age is 18"),
    ],
)
def test_why_with_the_values_that_were_met(wanted, why):
    assert judged(wanted).why == why


@pytest.mark.parametrize(
    ("wanted", "field", "message"),
    [
        ({"a:isnul": ""}, "a:isnul", "There is no operator isnul at 3: did you mean i"),
        ({"a:~": ""}, "a:~", "There is no operator ~ at 3: use not, in, inset, conta"),
        ({"a..b": 1}, "a..b", "Expected a field's name at 2, such as status or regio"),
        ({":gt": 1}, ":gt", "Expected a field's name at 1, such as status or regio"),
        ({"a:gt": ""}, "a:gt", "Expected another value: write a value."),
        ({"a:after": "x"}, "a:after", "Expected another value: write a date such as"),
        ({"a:between": "1|x"}, "a:between", "Expected another value: write two dates"),
        ({"a:between": "1|2|3"}, "a:between", "Expected another value: write two dat"),
        ({"a:in": ","}, "a:in", "Expected another value: write values with , betwe"),
        ({"a:in": ["x"] * 101}, "a:in", "Expected another value: write at most 100"),
        (
            {"a:in": ["x", "y,z"]},
            "a:in",
            "Expected another value: write texts witho",
        ),
        ({"a:between": ["1|", 2]}, "a:between", "Expected another value: write texts"),
        (
            {"a:in": ["x", None]},
            "a:in",
            "Expected another value: write texts witho",
        ),
        ({"a": None}, "a", "Expected another value: write a text, or use isnull and"),
        ({"a": {"b": 1}}, "a", "Expected another value: write a text, or use isnull"),
        ({"a": [1]}, "a", "Expected another value: write one text, number, true or"),
        ({"a:isnull": "x"}, "a:isnull", "Leave the value of isnull empty, or leave"),
        ({"0": 7}, "0", "Under a number, write a whole condition, such as tags:is"),
        ({"a" * 201: 1}, "a" * 60, "Use at most 200 characters for a field."),
        ({"a": "x" * 4001}, "a", "Expected another value: use at most 4000 char"),
    ],
)
def test_every_mistake_is_told_at_its_key(wanted, field, message):
    (problem,) = check_conditions(wanted)
    assert problem.field == f"conditions.{field}"
    assert problem.message.startswith(message)


def test_a_key_and_a_value_may_be_as_long_as_that():
    assert check_conditions({"a" * 200: "x" * 4000}) == []


def test_all_mistakes_are_told_at_once_but_not_of_too_many_conditions():
    assert len(check_conditions({"a:x": 1, "b": 1, "c:gt": ""})) == 2
    (problem,) = check_conditions({f"a{n}": 1 for n in range(21)})
    assert problem.code == "too_many"


# ── properties ───────────────────────────────────────────────────────────

SCALARS = st.sampled_from([None, True, 0, 1, 1.0, 2.5, "", "x", "X1", "1"])
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "id"]), inner)
    ),
    max_leaves=12,
)
PATHS = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3)
WORDS = st.sampled_from(["x", "1", "true", "2", "1,x", ""])
OPERATORS = st.sampled_from(["", "not", "in", "contains", "isnull", "isnotnull", "gt"])


def leaves(value: Any, path: list[str]) -> list[Any]:
    """Elements of lists one level deep, as the conditions look at them."""
    if isinstance(value, list) and path:
        return [x for each in value for x in leaves(each, path)]
    if path:
        return leaves(value[path[0]], path[1:]) if has(value, path[0]) else []
    found = value if isinstance(value, list) else [value]
    return [each for each in found if each is not None]


def has(value: Any, name: str) -> bool:
    return isinstance(value, dict) and name in value


def same(met: Any, word: str) -> bool:
    if isinstance(met, dict | list):
        return False
    if isinstance(met, int | float) and not isinstance(met, bool):
        return word.isdigit() and met == int(word)
    text = met if isinstance(met, str) else json.dumps(met)
    return text.lower() == word.lower()


def naive(values: list[Any], operator: str, word: str) -> bool:
    match operator:
        case "isnull" | "isnotnull":
            return bool(values) == (operator == "isnotnull")
        case "" | "not":
            return any(same(v, word) for v in values) == (operator == "")
        case "in":
            return any(same(v, each) for v in values for each in word.split(","))
        case "contains":
            texts = [
                v if isinstance(v, str) else json.dumps(v)
                for v in values
                if not isinstance(v, dict | list)
            ]
            return any(word.lower() in text.lower() for text in texts)
    if word.isdigit():
        return any(number(v) is not None and number(v) > int(word) for v in values)
    return any(isinstance(v, str) and v.lower() > word for v in values)


def number(value: Any) -> Any:
    if isinstance(value, str):
        return int(value) if value.isdigit() else None
    return None if isinstance(value, bool | dict | list) else value


def nested(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(each, list) or nested(each) for each in value)
    return isinstance(value, dict) and any(map(nested, value.values()))


@given(data=DATA, path=PATHS, operator=OPERATORS, word=WORDS)
def test_it_agrees_with_a_naive_evaluator(data, path, operator, word):
    word = "" if operator.startswith("is") else word
    wanted = {":".join(filter(None, [".".join(path), operator])): word}
    if check_conditions(wanted) or nested(data):
        return
    expected = naive(leaves(data, path), operator, word)
    assert judged(wanted, data).passes == expected


@given(st.text(alphabet="a.:gtino|-1 ,", max_size=20), st.text("a1|-,: ", max_size=9))
def test_whatever_is_typed_is_either_refused_or_works(key, value):
    if not check_conditions({key: value}):
        verdict = judged({key: value}, {"a": [1, "2026-01-01", {"id": 1}]})
        assert verdict.passes or verdict.why
