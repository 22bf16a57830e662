"""`${…}` in URLs and templates, by the contact document (000_755e78b1842de18c.txt)."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.payload import addresses, templates
from callboard.payload.settings import Payload, check_payload
from callboard.payload.shapes import Shape, check_fields, check_placeholders
from callboard.payload.values import Facts, Unfilled, Values
from callboard.webhooks.urls import check_slots, check_url

SHORT = {"contactNumber": "data.contactNumber"}
SHAPES = {"contact.created": Shape(SHORT)}


def facts(data: object, context: tuple[str, ...] = ("region.7",)) -> Facts:
    return Facts(
        id="evt_1",
        type="contact.created",
        data=data if isinstance(data, str) else json.dumps(data),
        occurred_at=datetime(2026, 1, 15, 9, 30, tzinfo=UTC),
        context=json.dumps(context),
    )


def values(data: object) -> Values:
    return Values(facts(data), SHORT, "EN-US")


def filled(url: str, data: object) -> str:
    address = addresses.read(url)
    return address.fill(values(data)) if address else url


def rendered(template: str, data: object) -> str:
    assert templates.flaws(template) == []
    return templates.read(template).fill(values(data)).decode()


@pytest.mark.parametrize(
    ("url", "called"),
    [
        (
            "http://dev.environment.com/${contactNumber}",
            "http://dev.environment.com/1000234",
        ),
        (
            "http://dev.environment.com/path/?data=${contactNumber}",
            "http://dev.environment.com/path/?data=1000234",
        ),
        (
            "http://dev.environment.com/path/${contactNumber}?update=true",
            "http://dev.environment.com/path/1000234?update=true",
        ),
    ],
)
def test_the_three_urls_of_the_document_work(url, called):
    plain, problems = check_url(url, allow_http=True)
    assert plain
    assert problems == [] == check_slots(url, "GET", SHORT)
    assert filled(plain, {"contactNumber": "1000234"}) == called


@pytest.mark.parametrize(
    ("url", "position", "hint"),
    [
        ("http://dev.environment.com/?data={contactNumber}", 34, "${contactNumber}"),
        ("http://dev.environment.com/?data=${contact id}", 34, "${contactid}"),
        ("https://r.example/${}", 19, "${data.id}"),
        ("https://r.example/a/${data.id", 21, "Close this placeholder"),
        ("https://r.example/${data..id}", 19, "joined by dots"),
        ("https://r.example/a}", 20, "%7D"),
    ],
)
def test_malformed_placeholders_are_refused_with_their_place(url, position, hint):
    plain, (problem,) = check_url(url, allow_http=True)
    assert plain is None
    assert (problem.field, problem.position) == ("url", position)
    assert f"At character {position}: " in problem.message
    assert hint in problem.message


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("https://r.example/${contactNo}", "Did you mean ${contactNumber}"),
        ("https://r.example/?a=${email}", "write ${data.email}"),
        ("https://r.example/${id.x}", "has no parts"),
        ("https://r.example/${contactNumber.x}", "has no parts"),
    ],
)
def test_unknown_placeholders_are_refused_with_a_hint(url, hint):
    (problem,) = check_slots(url, "POST", SHORT)
    assert problem.position == url.index("$") + 1
    assert hint in problem.message


def test_a_get_call_needs_a_placeholder_in_its_url():
    (problem,) = check_slots("https://r.example/?a=b", "GET", SHORT)
    assert "${contactNumber}" in problem.message
    (problem,) = check_slots("https://r.example/", "GET", ())
    assert "${data.id}" in problem.message
    assert check_slots("https://r.example/", "POST", ()) == []


@pytest.mark.parametrize(
    ("url", "data", "called"),
    [
        ("/${data.a}/x", {"a": "a/b c"}, "/a%2Fb%20c/x"),
        ("/x${data.a}y", {"a": "?#&"}, "/x%3F%23%26y"),
        ("/?q=${data.a}&x=1", {"a": "1&x=2#+"}, "/?q=1%26x%3D2%23%2B&x=1"),
        ("/?q=${data.a}", {"a": None}, "/?q="),
        ("/${data.a.1.b}", {"a": [0, {"b": "found"}]}, "/found"),
        ("/${data.n}", '{"n": 12345678901234567890.10}', "/12345678901234567890.10"),
        ("/${data.größe}", {"größe": True}, "/true"),
        ("/${id}/${type}?at=${occurred_at}", {},
         "/evt_1/contact.created?at=2026-01-15T09%3A30%3A00Z"),
        ("/?in=${context}&lang=${language}", {}, "/?in=region.7&lang=EN-US"),
        ("/?tags=${data.t}", {"t": ["a", "b,c", 1]}, "/?tags=a%2Cb%2Cc%2C1"),
        ("/a...${data.a}", {"a": "."}, "/a...."),
    ],
)  # fmt: skip
def test_values_are_escaped_for_where_they_stand(url, data, called):
    plain, _ = check_url(f"https://r.example{url}", allow_http=True)
    assert plain
    assert filled(plain, data) == f"https://r.example{called}"


@pytest.mark.parametrize(
    ("url", "data", "why"),
    [
        ("/${data.id}", {}, "has no ${data.id}"),
        ("/${contactNumber}", {"id": 7}, "data.contactNumber is missing"),
        ("/${data.id}", {"id": None}, "is empty"),
        ("/a/${data.id}/b", {"id": ""}, "is empty"),
        ("/${data.id}", {"id": {"a": 1}}, "is an object"),
        ("/?x=${data.id}", {"id": [{"a": 1}]}, "is an object"),
        ("/a/${data.id}/b", {"id": "."}, "lead elsewhere"),
        ("/a/${data.id}", {"id": ".."}, "lead elsewhere"),
        ("/a/.${data.id}", {"id": "."}, "lead elsewhere"),
        ("/a/%2e${data.id}", {"id": "."}, "lead elsewhere"),
        ("/a/${data.id}", {"id": "../../admin"}, "lead elsewhere"),
        ("/a/${data.id}", {"id": "x\\..\\admin"}, "lead elsewhere"),
        ("/a/${data.id}", {"id": "x" * 20_000}, "longer than"),
        ("/a/${data.id}", '{"id": "\\ud800"}', "cannot be read"),
    ],
)
def test_what_does_not_fit_into_a_url_fails_in_words(url, data, why):
    with pytest.raises(Unfilled) as error:
        filled(f"https://r.example{url}", data)
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("template", "data", "body"),
    [
        ('{"contact":"${contactNumber}"}', {"contactNumber": "1000234"},
         '{"contact":"1000234"}'),
        ('["${contactNumber}","${contactNumber}"]', {"contactNumber": '1"\\\n'},
         '["1\\"\\\\\\n","1\\"\\\\\\n"]'),
        ('{"a": ${data.a}, "b": "x${data.b}"}', '{"a": 1.10, "b": 1.10}',
         '{"a": 1.10, "b": "x1.10"}'),
        ('{"a": ${data.a}, "b": "${data.a}"}', {"a": None}, '{"a": null, "b": ""}'),
        ('{"${type}":${data}}', '{"a":1, "a":2}', '{"contact.created":{"a":1, "a":2}}'),
        ('{"a": "${data.o}"}', {"o": {"b": "c"}}, '{"a": "{\\"b\\": \\"c\\"}"}'),
        ('{"in": ${context}, "at": ${occurred_at}}', {},
         '{"in": ["region.7"], "at": "2026-01-15T09:30:00Z"}'),
        ('{"price": "\\u0024{data.a}"}', {}, '{"price": "\\u0024{data.a}"}'),
    ],
)  # fmt: skip
def test_templates_are_filled_in_strings_and_where_values_stand(template, data, body):
    assert rendered(template, data) == body
    json.loads(body)


@pytest.mark.parametrize(
    ("template", "position", "why"),
    [
        ('{"a": "${contact id}"}', 8, "is no placeholder"),
        ('{"a": ${contactNo}}', 7, "Did you mean ${contactNumber}"),
        ('{"a": 1${data.x}}', 8, "This is not JSON"),
        ('{"a": "\\${data.x}"}', 18, "This is not JSON"),
        ('{"a": "\\u00${data.x}"}', 21, "This is not JSON"),
        ('{"ä": "${data.x}", b}', 20, "object keys must be strings"),
        ('{"a": ', 7, "ends too early"),
        ("{${data.x}: 1}", 2, "object keys must be strings"),
        ("", None, "Write the JSON to send"),
        ('"\ud800"', 2, "cannot be sent"),
    ],
)
def test_a_bad_template_is_refused_with_the_place(template, position, why):
    problems = check_payload(Payload("template", template), "POST", SHAPES)
    assert [(p.field, p.position) for p in problems] == [("payload.template", position)]
    assert why in problems[0].message


numbers = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(value=st.text() | st.integers() | numbers)
def test_no_value_leaves_its_place_in_a_url(value):
    url = "https://r.example/a/${data.v}/b?x=${data.v}&y=1"
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        called = urlsplit(filled(url, {"v": value}))
    except Unfilled:
        assert not text or {".", ".."} & {*text.replace("\\", "/").split("/")}
        return
    assert called.netloc == "r.example"
    assert called.fragment == ""
    first, middle, last = called.path.removeprefix("/").split("/")
    assert (first, unquote(middle), last) == ("a", text, "b")
    assert parse_qsl(called.query, keep_blank_values=True) == [("x", text), ("y", "1")]


@given(value=json_values)
def test_no_value_leaves_its_place_in_a_template(value):
    template = '{"in":"<${data.v}>","as":${data.v},"end":1}'
    try:
        found = json.loads(rendered(template, {"v": value}))
    except Unfilled:
        assert isinstance(value, list)
        return
    assert found.keys() == {"in", "as", "end"}
    assert found["as"] == value
    if isinstance(value, str):
        assert found["in"] == f"<{value}>"


@given(text=st.text(st.sampled_from('${}data.x"\\:,[]1 nu~')))
def test_a_template_that_is_taken_always_makes_json(text):
    if check_payload(Payload("template", text), "POST", SHAPES):
        return
    for value in ('"', "\\", {"}": '"'}, 7, None):
        data = {"x": value, "data": value, "a": value}
        try:
            body = templates.read(text).fill(values(data))
        except Unfilled:
            continue
        assert is_json(body), body


def is_json(body):
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("placeholders", "codes"),
    [
        ({"contactNumber": "data.contactNumber", "at": "occurred_at"}, []),
        ({"data": "data.x"}, ["taken"]),
        ({"id": "data.id"}, ["taken"]),
        ({"contact id": "data.id"}, ["name"]),
        ({"a": "contactNumber", "b": "data.", "c": ""}, ["path", "path", "path"]),
    ],
)
def test_short_names_are_checked_where_they_are_declared(placeholders, codes):
    assert [p.code for p in check_placeholders(placeholders)] == codes


def test_declared_fields_are_checked():
    assert list(check_fields({"address": "relation", "a.b": "on_demand"})) == []
    problems = check_fields({"a b": "relation", "c": "secret"})
    assert [p.field for p in problems] == ["fields.a b", "fields.c"]
