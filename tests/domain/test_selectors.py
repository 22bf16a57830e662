"""The selector filter, by the vendor's examples."""

import json
from typing import Any

import pytest

from callboard.matching.selector_syntax import (
    check_filter,
    compile_selectors,
)
from callboard.matching.subject import Subject
from callboard.matching.verdict import UNREADABLE, Verdict
from tests import make

MEMBER = "role=MEMBER;addresses(isMain).zipCode=13.*"
ANY_INDICATOR = "Indicators(*).value=true"
BASE_PRICE = (
    "OrderDetailsData.OperationDatas(ProductCode=XXXX).BasePrice=10000;"
    "OrderDetailsData.OrderType=SALE"
)


def judged(filter: str, data: Any) -> Verdict:
    assert check_filter(filter) == []
    compiled = compile_selectors(filter)
    assert compiled is not None
    subject = Subject(json.dumps(data), make.NOW)
    verdict = compiled.explain(subject)
    assert verdict.passes == compiled.passes(subject)
    return verdict


def contact(role: str, main: str, other: str = "75001") -> Any:
    addresses = [{"main": False, "zipCode": other}, {"main": True, "zipCode": main}]
    return {"role": role, "addresses": addresses}


def order(code: str, price: int = 10000, type: str = "SALE") -> Any:
    operations = [{"productCode": "Y", "basePrice": 1}]
    operations.append({"productCode": code, "basePrice": price})
    return {"orderDetailsData": {"orderType": type, "operationDatas": operations}}


@pytest.mark.parametrize(
    ("filter", "data", "passes"),
    [
        (MEMBER, contact("MEMBER", "13002"), True),
        (MEMBER, contact("MEMBER", "75013"), False),
        (MEMBER, contact("MEMBER", "75001", other="13002"), False),
        (MEMBER, contact("MEMBER", "2134"), False),
        (MEMBER, contact("PUBLIC", "13002"), False),
        (ANY_INDICATOR, {"indicators": [{"value": False}, {"value": True}]}, True),
        (ANY_INDICATOR, {"Indicators": [{"value": True}]}, True),
        (ANY_INDICATOR, {"indicators": [{"value": False}]}, False),
        (ANY_INDICATOR, {"indicators": []}, False),
        (ANY_INDICATOR, {}, False),
        (BASE_PRICE, order("XXXX"), True),
        (BASE_PRICE, order("XXXX", price=10001), False),
        (BASE_PRICE, order("Z"), False),
        (BASE_PRICE, order("XXXX", type="REFUND"), False),
    ],
)
def test_what_the_vendors_examples_let_pass(filter, data, passes):
    assert judged(filter, data).passes == passes


@pytest.mark.parametrize(
    ("filter", "data", "passes"),
    [
        ("a=1", {"a": 1}, True),
        ("a=1", {"a": 11}, False),
        ("a=1.5", {"a": 1.5}, True),
        ("a=true", {"a": True}, True),
        ("a=True", {"a": True}, False),
        ("a=null", {"a": None}, False),
        ("a=.*", {"a": None}, False),
        ("a=.*", {"a": ""}, True),
        ("a=^$", {"a": ""}, True),
        ("a=.*", {"a": {"b": 1}}, False),
        ("a=x.*z", {"a": "x\ny z"}, True),
        ("a=é+", {"a": "éé"}, True),
        ("a=(?i)member", {"a": "MEMBER"}, True),
        (r"a=x\;y", {"a": "x;y"}, True),
        (r"a=x\.y", {"a": "x-y"}, False),
        (" a = 1 ;\n b = 2 ; ", {"a": 1, "b": 2}, True),
        ("a=1\nb=2", {"a": 1, "b": 3}, False),
        ("l(b=(x|y)).c=1", {"l": [{"b": "y", "c": 1}]}, True),
        ("l(b=(x|y)).c=1", {"l": [{"b": "z", "c": 1}]}, False),
        ("l(*)=b", {"l": ["a", "b"]}, True),
        ("l(*).m(*).c=1", {"l": [{"m": []}, {"m": [{"c": 2}, {"c": 1}]}]}, True),
        ("l(x=1).a=1;l(x=1).b=1", {"l": [{"x": 1, "a": 1}, {"x": 1, "b": 1}]}, True),
        ("a=" + "x*" * 9, {"a": "x" * 4096}, True),
        ("a=x*", {"a": "x" * 4097}, False),
    ],
)
def test_how_values_and_lists_are_matched(filter, data, passes):
    assert judged(filter, data).passes == passes


@pytest.mark.parametrize(
    ("filter", "data", "why"),
    [
        (
            MEMBER,
            contact("MEMBER", "69001"),
            "addresses(isMain).zipCode is 69001, not 13.*",
        ),
        (
            MEMBER,
            contact("MEMBER", "13002"),
            "role is MEMBER and addresses(isMain).zipCode is 13002",
        ),
        (MEMBER, {}, "there is no role"),
        (
            MEMBER,
            {"role": "MEMBER", "addresses": []},
            "there is no addresses(isMain)",
        ),
        (
            "l(*).c=9",
            {"l": [{"c": n} for n in [1, 2, 2, 3, 4, 5]]},
            "l(*).c is 1, 2, 3 and 2 more, not 9",
        ),
        ("tags=a", {"tags": ["a"]}, "tags is a list; write tags(*) for any of its"),
        ("l.a=1", {"l": [{"a": 1}]}, "l is a list; write l(*) for any of its"),
        ("a.b=1", {"a": {"b": {"c": 1}}}, "a.b is an object, not 1"),
        ("a=1", {"a": "two words"}, "a is “two words”, not 1"),
        ("a=1", {"a": "x" * 99}, f"a is {'x' * 60}…, not 1"),
    ],
)
def test_why_not_and_why_with_the_values_that_were_met(filter, data, why):
    assert judged(filter, data).why.removesuffix(" elements") == why


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("role", ["Expected = at 5: end with a value, as in role=MEMBER."]),
        ("role=", ["Expected a value at 6: write ^$ for an empty text."]),
        ("=x", ["Expected a field's name at 1."]),
        ("a..b=1", ["Expected a field's name at 3."]),
        ("a(=1", ["Expected *, a flag or field=value at 3."]),
        ("a()=1", ["Expected *, a flag or field=value at 3."]),
        ("a(*.b=1", ["Expected ) at 4."]),
        ("a(b=(c).d=1", ["Expected ) at 12."]),
        ("a(*)(b)=1", ["Expected = at 5: end with a value, as in role=MEMBER."]),
        (
            "ok=1; foo; a b=2",
            [
                "Expected = at 10: end with a value, as in role=MEMBER.",
                "Expected = at 14: end with a value, as in role=MEMBER.",
            ],
        ),
        (
            "role=x[",
            [
                "The regular expression is wrong (missing ]) at 7:"
                " write \\ before a sign that is meant as it is."
            ],
        ),
        (
            "role=(?!x)y",
            [
                "The regular expression is wrong (invalid perl operator) at 6:"
                " look-around and back references are not known here."
            ],
        ),
        ("role=" + "x" * 251, ["The value is too long at 256: use at most 250 cha"]),
        (r"a=\pL{900}", ["The value repeats too much at 3: make it smaller."]),
        ("a=1;b=\0", ["Remove the control character at 7."]),
        (("a=" + "x" * 247 + ";") * 16, []),
        ("x" * 4001, ["Use at most 4000 characters."]),
        ("a=1;" * 21, ["Write at most 20 conditions."]),
    ],
)
def test_every_mistake_is_told_with_its_place(filter, found):
    messages = [problem.message for problem in check_filter(filter)]
    assert [m.removesuffix("racters.") for m in messages] == [
        f.removesuffix("racters.") for f in found
    ]


def test_an_empty_filter_asks_nothing():
    assert compile_selectors(" ;\n; ") is None
    assert check_filter("") == []


@pytest.mark.parametrize("text", ["1e999", "[" * 100_000, '{"a": 1' + "0" * 400 + "}"])
def test_data_that_cannot_be_read_passes_no_filter(text):
    compiled = compile_selectors("a=.*")
    assert compiled is not None
    subject = Subject(text, make.NOW)
    if subject.readable:
        assert compiled.passes(subject)
    else:
        assert not compiled.passes(subject)
        assert compiled.explain(subject) == Verdict(False, UNREADABLE)
