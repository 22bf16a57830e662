"""Which part of the data is sent, and in which form: by the systems' own examples."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given
from hypothesis import strategies as st

from callboard.payload.composing import Body, Composer
from callboard.payload.projection import project
from callboard.payload.settings import FORMATS, Payload, check_payload
from callboard.payload.shapes import KINDS, PLAIN, Shape
from callboard.payload.values import Facts, Unfilled

EMPLOYEE = {
    "id": 3098,
    "customId": "E-9",
    "firstName": "Jo",
    "address": {"id": 12, "city": "Québec", "Line1": "1 Quay"},
    "skills": [{"id": 1, "name": "First aid"}, {"id": 2, "name": "Driving"}],
    "notes": ["late"],
    "jobTitle": {"EN-US": "Guard", "fr": "Agent"},
}
DECLARED = Shape(
    fields={
        "address": "relation",
        "skills": "relation",
        "notes": "on_demand",
        "jobTitle": "translated",
    }
)
NAME = "employees.created"


def sent(shape: Shape = DECLARED, language: str = "EN-US", **more: Any) -> Any:
    fields, include = more.get("fields", ()), more.get("include", ())
    found = project(fields, include, language, shape)
    return json.loads(found.apply(json.dumps(EMPLOYEE)))


def test_what_a_type_leaves_out_comes_only_when_it_is_asked_for():
    assert sent() == {
        "id": 3098, "customId": "E-9", "firstName": "Jo",
        "address": 12, "skills": [1, 2], "jobTitle": "Guard",
    }  # fmt: skip
    found = sent(include=("address", "notes"))
    assert found["address"] == EMPLOYEE["address"]
    assert (found["notes"], found["skills"]) == (["late"], [1, 2])


def test_an_included_relation_comes_beside_the_chosen_fields():
    assert sent(fields=("customId", "firstName"), include=("address",)) == {
        "customId": "E-9", "firstName": "Jo", "address": EMPLOYEE["address"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("id",), {"id": 3098}),
        (("id", "nothing.there"), {"id": 3098}),
        (("firstName:first_name",), {"first_name": "Jo"}),
        (("address.city",), {"address": {"city": "Québec"}}),
        (("address.city:city",), {"city": "Québec"}),
        (("address", "address.city"), {"address": EMPLOYEE["address"]}),
        (("skills.name",), {"skills": [{"name": "First aid"}, {"name": "Driving"}]}),
        (("skills.name:skills",), {"skills": ["First aid", "Driving"]}),
        (("firstName.x",), {}),
    ],
)
def test_fields_are_chosen_renamed_and_flattened(fields, expected):
    assert sent(fields=fields) == expected


@pytest.mark.parametrize(
    ("language", "title"),
    [("EN-US", "Guard"), ("fr", "Agent"), ("FR", "Agent"), ("nl", "Guard")],
)
def test_texts_come_in_the_webhooks_language(language, title):
    assert sent(language=language)["jobTitle"] == title


def test_without_any_choice_nothing_is_read():
    assert project((), (), "EN-US", PLAIN) is None


def test_what_is_sent_keeps_the_senders_spelling():
    found = project(("a",), (), "EN-US", PLAIN)
    data = '{"b": 1, "a" : {"n": 12345678901234567890.10, "e": 1E400}}'
    assert found.apply(data) == '{"a":{"n": 12345678901234567890.10, "e": 1E400}}'


@pytest.mark.parametrize("data", ["7", "null", '"text"', "[]", "{}"])
def test_data_of_another_form_are_left_as_they_are(data):
    assert project(("a",), ("b",), "EN-US", DECLARED).apply(data) == data


@pytest.mark.parametrize(
    ("payload", "method", "fields"),
    [
        (Payload("xml"), "POST", ["payload.format"]),
        (Payload("standard"), "GET", ["payload.format"]),
        (Payload(), "GET", []),
        (Payload("none"), "GET", []),
        (Payload(fields=("a b", "c")), "POST", ["payload.fields.0"]),
        (Payload(fields=("a:x", "b:x")), "POST", ["payload.fields"]),
        (Payload(include=("notes", "adress")), "POST", ["payload.include.1"]),
        (Payload(language="English!"), "POST", ["payload.language"]),
        (Payload(mode="batch"), "POST", ["payload.mode"]),
        (Payload(source="a b"), "POST", ["payload.source"]),
    ],
)  # fmt: skip
def test_settings_are_held_against_the_rules(payload, method, fields):
    problems = check_payload(payload, method, {NAME: DECLARED})
    assert [problem.field for problem in problems] == fields


def test_what_may_be_included_is_named():
    (problem,) = check_payload(Payload(include=("adress",)), "POST", {NAME: DECLARED})
    assert "Did you mean address?" in problem.message
    (problem,) = check_payload(Payload(include=("x",)), "POST", {NAME: DECLARED})
    assert "There is: address, notes, skills." in problem.message


@pytest.mark.parametrize("depth", [400, 5000, 100_000])
def test_data_that_is_too_deep_cannot_be_sent_in_part(depth):
    with pytest.raises(Unfilled):
        project(("a.b",), (), "EN-US", DECLARED).apply("[" * depth + "]" * depth)


paths = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(".".join)
json_values = st.recursive(
    st.none() | st.integers() | st.sampled_from(["", "..", "EN-US", "é"]),
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c", "id", "EN-US"]), part)
    ),
    max_leaves=10,
)


@given(
    data=json_values,
    fields=st.lists(paths | paths.map("{}:x".format), max_size=3, unique=True),
    declared=st.dictionaries(paths, st.sampled_from(KINDS), max_size=3),
    include=st.lists(paths, max_size=2),
    format=st.sampled_from(FORMATS),
    path=paths,
)
def test_whatever_is_chosen_a_body_is_made_or_the_reason_told(
    data, fields, declared, include, format, path
):
    template = f'{{"v": ${{data.{path}}}, "t": "${{data.{path}}}", "all": ${{data}}}}'
    chosen = Payload(format, template, tuple(fields), tuple(include))
    shapes = {"contact.created": Shape(fields=declared)}
    url = f"https://r.example/${{data.{path}}}"
    try:
        made = body(chosen, json.dumps(data), url=url, shapes=shapes)
    except Unfilled:
        return
    if format == "form":
        assert parse_qs(made.content.decode())["resource"] == ["contact"]
    elif format != "none":
        json.loads(made.content)


# ── the formats ─────────────────────────────────────────────────────────


def body(payload: Payload, data: str = '{"id": 7}', attempt: int = 1, **more) -> Body:
    facts = Facts("evt_1", "contact.created", data, datetime(2026, 1, 15, tzinfo=UTC))
    made = {"url": "https://r.example/", "method": "POST", "shapes": {}} | more
    return Composer(payload=payload, source="urn:x", **made).body(facts, attempt)


def test_the_standard_body_of_all_data_need_not_be_kept():
    assert body(Payload()).again
    assert not body(Payload(fields=("id",))).again
    assert not body(Payload("data")).again


def test_data_are_sent_bare_and_as_they_came():
    made = body(Payload("data"), '{"id": 7.10}')
    assert made.content == b'{"id": 7.10}'
    assert dict(made.headers) == {"Content-Type": "application/json"}


def test_a_postback_is_a_form_that_counts_its_attempts():
    """As 002_d2ff333a4f053479.txt has it."""
    for attempt in (1, 2):
        made = body(Payload("form"), '{"last_name": "Lue & Ö", "zip": null}', attempt)
        assert dict(made.headers)["Content-Type"] == "application/x-www-form-urlencoded"
        assert parse_qs(made.content.decode()) == {
            "type": ["CREATE"],
            "resource": ["contact"],
            "number_of_attempts": [str(attempt)],
            "data": ['{"last_name": "Lue & Ö", "zip": null}'],
        }


def test_nothing_is_sent_with_none_nor_with_get():
    assert body(Payload("none")) == Body(b"", ())
    assert body(Payload(), method="GET") == Body(b"", ())


def test_another_language_is_told():
    headers = dict(body(Payload(language="fr_CA")).headers)
    assert headers["Content-Language"] == "fr-CA"
    assert "Content-Language" not in dict(body(Payload()).headers)


@pytest.mark.parametrize("mode", ["structured", "binary"])
@pytest.mark.parametrize("data", ['{"id": 7}', '[{"a": "ü"}]', "null", '"text"'])
def test_cloudevents_are_what_their_library_reads(mode, data):
    made = body(Payload("cloudevents", mode=mode, source="/shop"), data)
    event = from_http_event(HTTPMessage(dict(made.headers), made.content))
    assert event.get_id() == "evt_1"
    assert event.get_source() == "/shop"
    assert event.get_type() == "contact.created"
    assert event.get_specversion() == "1.0"
    assert event.get_time() == datetime(2026, 1, 15, tzinfo=UTC)
    if mode == "structured":
        assert json.loads(made.content)["data"] == json.loads(data)
    else:
        assert made.content == data.encode()
