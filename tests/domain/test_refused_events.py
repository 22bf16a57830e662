"""Events that are refused: every problem at once, and nothing is stored."""

from typing import Any

import pytest
from msgspec.structs import replace

from callboard.delivery.tables import Event
from callboard.errors import Invalid, NotFound, Problem
from callboard.ingest import NewEvent
from tests import make
from tests.engine import TYPE, Engine
from tests.problems import named

GOOD = NewEvent(TYPE, b"1", key="k")


async def problems(engine: Engine, *events: NewEvent) -> list[tuple[str, str]]:
    return named(await refused(engine, *events))


async def refused(engine: Engine, *events: NewEvent) -> tuple[Problem, ...]:
    with pytest.raises(Invalid) as found:
        await engine.post_all(list(events))
    assert await Event.count() == 0
    return found.value.problems


async def test_every_problem_of_every_event_comes_at_once(engine: Engine):
    schema = {"type": "object", "required": ["id"]}
    await make.event_type(engine.account, "order.paid", schema)
    assert await problems(
        engine,
        NewEvent("contact.creatd", b"{}", key=""),
        GOOD,
        NewEvent("order.paid", b"[]"),
        NewEvent(TYPE, b"\xff"),
        NewEvent(TYPE, b"1", kind="a\0b"),
    ) == [
        ("events[0].type", "unknown_type"),
        ("events[0].id", "length"),
        ("events[2].data", "type"),
        ("events[3].data", "text"),
        ("events[4].kind", "text"),
    ]


async def test_an_unknown_type_gets_the_nearest_names(engine: Engine):
    (problem,) = await refused(engine, NewEvent("contact.creatd", b"{}"))
    assert problem.field == "type"
    assert TYPE in problem.message


async def test_a_schema_is_enforced_with_pointers(engine: Engine):
    schema = {
        "type": "object",
        "properties": {
            "a/b": {"type": "object", "properties": {"n": {"type": "integer"}}},
            "list": {"items": {"maximum": 5}},
        },
    }
    await make.event_type(engine.account, "order.paid", schema)
    data = b'{"a/b": {"n": "x"}, "list": [1, 9]}'
    assert sorted(await problems(engine, NewEvent("order.paid", data))) == [
        ("data/a~1b/n", "type"),
        ("data/list/1", "maximum"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"1e999", id="number"),
        pytest.param(b"[" * 900 + b"]" * 900, id="deep"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="very deep"),
    ],
)
async def test_what_cannot_be_held_against_a_schema_is_refused(
    engine: Engine, data: bytes
):
    await make.event_type(engine.account, "order.paid", {"type": "object"})
    ((field, _),) = await problems(engine, NewEvent("order.paid", data))
    assert field == "data"


TAKEN_BY_NO_DATABASE = {
    "NUL in data": ({"data": b'"a\0b"'}, ("data", "text")),
    "no UTF-8": ({"data": b'"\xff"'}, ("data", "text")),
    "surrogate bytes": ({"data": b'"\xed\xa0\x80"'}, ("data", "text")),
    "NUL in the key": ({"key": "a\0"}, ("id", "text")),
    "surrogate in the key": ({"key": "\ud800"}, ("id", "text")),
    "NUL in a tag": ({"context": ("a\0",)}, ("context[0]", "text")),
    "surrogate in a tag": ({"context": ("\udfff",)}, ("context[0]", "text")),
    "surrogate in the kind": ({"kind": "\ud800"}, ("kind", "text")),
    "long kind": ({"kind": "x" * 81}, ("kind", "length")),
    "no type": ({"type": ""}, ("type", "unknown_type")),
    "long type": ({"type": "x" * 10_000}, ("type", "unknown_type")),
    "NUL in the type": ({"type": "\0"}, ("type", "unknown_type")),
}


@pytest.mark.parametrize(
    ("part", "problem"), TAKEN_BY_NO_DATABASE.values(), ids=TAKEN_BY_NO_DATABASE
)
async def test_what_no_database_takes_is_refused(
    engine: Engine, part: dict[str, Any], problem: tuple[str, str]
):
    assert await problems(engine, replace(GOOD, **part)) == [problem]


async def test_an_account_that_is_no_more_is_not_found(engine: Engine):
    now = engine.runtime.clock()
    with pytest.raises(NotFound):
        await engine.acceptor.accept("acc_gone", [GOOD], now)


async def test_a_type_added_a_moment_ago_is_known_at_once(engine: Engine):
    event = NewEvent("order.paid", b"1")
    assert await problems(engine, event) == [("type", "unknown_type")]
    await make.event_type(engine.account, "order.paid")
    assert len(await engine.post_all([event])) == 1
