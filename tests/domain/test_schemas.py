import json
import socket
import time
from typing import Any

import pytest

from callboard.catalogue.schemas import check_cost, check_data, compile_schema
from callboard.errors import Invalid

CONTACT = {
    "type": "object",
    "required": ["id", "email"],
    "properties": {
        "id": {"type": "integer"},
        "email": {"type": "string", "maxLength": 10},
        "tags": {"items": {"enum": ["a", "b"]}},
        "a/b~c": {"const": 1},
    },
    "additionalProperties": False,
}


def compiled(schema):
    return compile_schema(json.dumps(schema))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param({"id": 1, "email": "a@b"}, [], id="fine"),
        pytest.param(
            {}, [("data", "required"), ("data", "required")], id="two are missing"
        ),
        pytest.param(
            {"id": "x", "email": "a@b"}, [("data/id", "type")], id="another type"
        ),
        pytest.param(
            {"id": 1, "email": "a@b", "tags": ["a", "z"]},
            [("data/tags/1", "enum")],
            id="in a list",
        ),
        pytest.param(
            {"id": 1, "email": "a@b", "a/b~c": 2},
            [("data/a~1b~0c", "const")],
            id="a name with / and ~",
        ),
        pytest.param(
            {"id": 1, "email": "a@b", "more": 1},
            [("data", "additionalProperties")],
            id="one too many",
        ),
        pytest.param([], [("data", "type")], id="a list"),
    ],
)
def test_data_against_a_schema(data, found):
    problems = check_data(compiled(CONTACT), data)
    assert [(problem.field, problem.code) for problem in problems] == found


@pytest.mark.parametrize(
    ("schema", "data", "message"),
    [
        ({"type": "integer"}, "x" * 9999, 'The value is not of type "integer".'),
        ({"maxLength": 2}, "xxx", "The value is longer than 2 characters."),
        ({"required": ["id"]}, {}, '"id" is a required property.'),
    ],
)
def test_messages_do_not_repeat_the_data(schema, data, message):
    assert check_data(compiled(schema), data)[0].message == message


def test_problems_are_bounded_in_number_and_length():
    validator = compiled({"additionalProperties": {"type": "integer"}})
    problems = check_data(validator, {f"{n}" * 1000: "x" * 1000 for n in range(10, 60)})
    assert len(problems) == 20
    assert max(len(p.field + p.message) for p in problems) < 700


def test_a_very_wrong_list_is_quickly_refused():
    validator = compiled({"items": {"type": "string"}})
    started = time.process_time()
    assert len(check_data(validator, [1] * 130_000)) == 1
    assert time.process_time() - started < 2  # a tenth of it on a quiet machine


def test_deep_data_is_a_problem_and_no_crash():
    data = list[Any]()
    for _ in range(900):
        data = [data]
    validator = compiled({"items": {"$ref": "#"}, "const": 1})
    assert [problem.field for problem in check_data(validator, data)] == ["data"]


@pytest.mark.parametrize(
    ("text", "field", "code"),
    [
        pytest.param("{", "schema", "json", id="no JSON"),
        pytest.param('{"not":' * 5000 + "{}" + "}" * 5000, "schema", "json", id="deep"),
        pytest.param("5", "schema", "schema", id="a number"),
        pytest.param('{"required": "x"}', "schema/required", "schema", id="wrong type"),
        pytest.param(
            '{"properties": {"a": {"pattern": "((("}}}',
            "schema/properties/a/pattern",
            "schema",
            id="no pattern",
        ),
        pytest.param(
            '{"pattern": "(a{1000}){1000}"}',
            "schema/pattern",
            "schema",
            id="huge pattern",
        ),
        pytest.param('{"$ref": "#/nope"}', "schema", "schema", id="leads nowhere"),
        pytest.param(
            '{"$schema": "http://x.example/s"}', "schema", "schema", id="unknown draft"
        ),
        pytest.param(" " * 256 * 1024 + "{}", "schema", "too_long", id="too long"),
    ],
)
def test_what_is_no_schema(text, field, code):
    with pytest.raises(Invalid) as refusal:
        compile_schema(text)
    (problem,) = refusal.value.problems
    assert (problem.field, problem.code) == (field, code)
    assert len(problem.message) < 400


@pytest.mark.parametrize("text", ["true", "{}", '{"$ref": "#"}'])
def test_the_smallest_schemas_let_everything_pass(text):
    assert check_data(compile_schema(text), {"a": 1}) == []


def test_other_drafts_can_be_named():
    draft4 = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "maximum": 5,
        "exclusiveMaximum": True,
    }
    assert check_data(compiled(draft4), 5) != []


@pytest.mark.parametrize("key", ["$ref", "$dynamicRef", "$schema"])
def test_nothing_is_fetched_from_the_network(key):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        with pytest.raises(Invalid):
            compiled({"$defs": {"a": {}}, key: url})
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()


def test_no_file_is_read(tmp_path):
    (tmp_path / "a.json").write_text('{"type": "integer"}')
    with pytest.raises(Invalid, match=r"under \$defs"):
        compiled({"$ref": (tmp_path / "a.json").as_uri()})


def test_an_explosive_pattern_comes_to_an_end():
    validator = compiled({"pattern": r"^(?=(a+)+$)(a*)*\1b$"})
    started = time.process_time()
    assert len(check_data(validator, "a" * 5000 + "!")) == 1
    assert time.process_time() - started < 2


TWICE = {
    "$defs": {
        **{f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)},
        "d40": False,
    }
}
TREE = {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}


def test_a_schema_with_a_number_beyond_all_is_a_problem_and_no_fault():
    (problem,) = check_cost('{"maximum": 1e400}')
    assert problem.code == "json"


@pytest.mark.parametrize(
    ("schema", "costly"),
    [
        pytest.param(CONTACT, False, id="usual"),
        pytest.param(TREE, False, id="a tree"),
        pytest.param({"$ref": "#"}, False, id="itself"),
        pytest.param(
            {"properties": {f"p{n}": {"maxLength": 5} for n in range(5_000)}},
            False,
            id="many properties",
        ),
        pytest.param(TWICE | {"$ref": "#/$defs/d0"}, True, id="doubling"),
        pytest.param(TWICE | {"$ref": "#/%24defs/d0"}, True, id="doubling, encoded"),
        pytest.param(
            {
                "$id": "https://a.example/b",
                "$defs": {"c": {"$id": "c", "$ref": "#/$defs/d0"} | TWICE},
                "$ref": "https://a.example/c",
            },
            True,
            id="doubling in a part with an id",
        ),
        pytest.param(
            {"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}},
            True,
            id="doubling with each level of the data",
        ),
        pytest.param({"items": {"anyOf": [False] * 5_000}}, True, id="many choices"),
    ],
)
def test_a_schema_that_takes_too_many_steps_is_told(schema, costly):
    problems = check_cost(json.dumps(schema))
    assert [problem.code for problem in problems] == ["costly"] * costly
