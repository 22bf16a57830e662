import json
from datetime import UTC, datetime

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.payload.formats import standard_body
from callboard.payload.samples import sample

AT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_the_standard_body_keeps_the_data_byte_for_byte():
    body = standard_body("evt_1", "contact.created", AT, '{"id": 7}')
    assert body == (
        b'{"id":"evt_1","type":"contact.created",'
        b'"timestamp":"2026-01-15T09:30:00Z","data":{"id": 7}}'
    )


@given(id=st.text(), type=st.text(), data=json_values)
def test_the_body_is_what_a_json_writer_would_make(id, type, data):
    body = standard_body(id, type, AT, json.dumps(data))
    assert json.loads(body) == {
        "id": id, "type": type, "timestamp": "2026-01-15T09:30:00Z", "data": data,
    }  # fmt: skip


@pytest.mark.parametrize(
    "data",
    ["12345678901234567890.10", '{"a": 1, "a": 2}', '"\\u00e9é"', "[1E400]", " {} "],
)
def test_the_data_stays_as_the_sender_wrote_it(data):
    body = standard_body("evt_1", "a", AT, data)
    assert body.endswith(b'"data":' + data.encode() + b"}")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(None, {}, id="nothing known"),
        pytest.param(True, {}, id="anything goes"),
        pytest.param({}, {}, id="an empty schema"),
        pytest.param({"type": "array"}, ["text"], id="a list"),
        pytest.param({"type": "string", "format": "date"}, "2026-01-15", id="a format"),
        pytest.param({"type": "string", "maxLength": 2}, "te", id="a short text"),
        pytest.param({"type": ["null", "boolean"]}, True, id="rather not null"),
        pytest.param(
            {"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1, id="rather a value"
        ),
        pytest.param({"type": "integer", "minimum": 18}, 18, id="an integer"),
        pytest.param(
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            0.5,
            id="a number between",
        ),
        pytest.param({"enum": ["b", "a"], "type": "string"}, "b", id="enum"),
        pytest.param({"const": None, "examples": [1]}, None, id="const before all"),
        pytest.param({"default": 5, "examples": [7]}, 7, id="examples before default"),
        pytest.param(
            {"properties": {"a": {"properties": {"b": {"type": "null"}}}, "no": False}},
            {"a": {"b": None}},
            id="nested",
        ),
        pytest.param({"required": ["a"]}, {"a": "text"}, id="required, not described"),
        pytest.param(
            {
                "$defs": {"a/b": {"type": "integer"}},
                "properties": {"id": {"$ref": "#/$defs/a~1b"}},
            },
            {"id": 1},
            id="a local reference",
        ),
        pytest.param(
            {"properties": {"a": {"$ref": "https://example.com/a"}}},
            {"a": "text"},
            id="a reference to elsewhere",
        ),
        pytest.param(
            {
                "allOf": [{"required": ["a"]}, {"properties": {"a": {"type": "null"}}}],
                "properties": {"b": {"const": 2}},
            },
            {"a": None, "b": 2},
            id="made of parts",
        ),
    ],
)
def test_a_schema_makes_a_sample_that_fits_it(schema, expected):
    made = sample(None, schema)
    assert made == expected
    assert type(made) is type(expected)


def test_the_types_own_sample_comes_first():
    assert sample({"id": 7}, {"const": 8}) == {"id": 7}


TREE = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}}
    | {f"child_{n}": {"$ref": "#"} for n in range(20)},
}


def test_a_schema_that_holds_itself_gives_a_small_valid_sample():
    made = sample(None, TREE)
    assert jsonschema_rs.is_valid(TREE, made)
    assert len(json.dumps(made)) < 20_000


def test_a_schema_without_an_end_comes_to_one():
    endless = TREE | {"required": [f"child_{n}" for n in range(20)]}
    assert len(json.dumps(sample(None, endless))) < 100_000
    sample(None, {"allOf": [{"$ref": "#"}] * 100})


bounds = st.tuples(st.integers(-50, 50), st.integers(1, 50))
schemas = st.recursive(
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"const": 3}, True])
    | st.builds(
        lambda low, high: {"type": "string", "minLength": low, "maxLength": low + high},
        st.integers(0, 20),
        st.integers(0, 20),
    )
    | st.builds(
        lambda kind, bound, step: {
            "type": kind, "minimum": bound[0], "exclusiveMaximum": sum(bound) + step,
            "multipleOf": step,
        },
        st.sampled_from(["integer", "number"]),
        bounds,
        st.integers(1, 5),
    )
    | st.builds(
        lambda bound: {
            "type": "number", "exclusiveMinimum": bound[0] / 7,
            "maximum": sum(bound) / 7,
        },
        bounds,
    ),
    lambda inner: st.builds(
        lambda properties, needed: {
            "type": "object",
            "properties": properties,
            "required": [*list(properties)[:needed]],
        },
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.integers(0, 3),
    )
    | st.builds(
        lambda items, least: {"type": "array", "items": items, "minItems": least},
        inner,
        st.integers(0, 3),
    )
    | st.builds(lambda *parts: {"anyOf": [*parts]}, inner, inner),
    max_leaves=8,
)  # fmt: skip


@given(schema=schemas)
def test_a_sample_is_valid_by_its_schema(schema):
    made = sample(None, {"type": "object", "properties": {"it": schema}})
    assert jsonschema_rs.is_valid(schema, made["it"])


keywords = st.sampled_from(
    ["type", "properties", "required", "items", "prefixItems", "minItems", "maxItems",
     "$ref", "allOf", "anyOf", "enum", "examples", "format", "minLength", "maxLength",
     "minimum", "exclusiveMaximum", "multipleOf", "a"]
)  # fmt: skip
junk = st.recursive(
    json_values
    | st.sampled_from(["#", "#/a", "#/items/0", "object", "array", "number"]),
    lambda inner: st.dictionaries(keywords, inner) | st.lists(inner),
    max_leaves=15,
)


@given(schema=junk)
def test_no_schema_makes_it_stumble(schema):
    made = sample(None, schema)
    assert json.loads(json.dumps(made)) == made
