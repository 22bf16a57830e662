"""The OpenAPI document says what is true."""

from typing import Any

import jsonschema_rs
import msgspec
import pytest

from web.api.examples import EXAMPLES

ERRORS = [
    pytest.param("POST", "/events", b"{", 400, id="no-json"),
    pytest.param("POST", "/events", b"{}", 422, id="fields-missing"),
    pytest.param("POST", "/webhooks", b"{}", 422, id="no-webhook"),
    pytest.param("PUT", "/contexts", b"7", 422, id="no-object"),
    pytest.param("GET", "/webhooks?limit=x", b"", 422, id="no-number"),
    pytest.param("GET", "/deliveries/dlv_1", b"", 404, id="nothing-there"),
    pytest.param("POST", "/presets/nobody", b"", 404, id="no-preset"),
    pytest.param("POST", "/events", b" " * 300_000, 413, id="too-large"),
]


@pytest.fixture
async def described(api) -> dict[str, Any]:
    return (await api.get("/api/schema")).json()


@pytest.mark.parametrize(("method", "path", "body", "status"), ERRORS)
async def test_errors_are_told_and_look_as_told(
    api, described, method, path, body, status
):
    answer = await api.request(method, f"/api/v1{path}", content=body)
    assert answer.status_code == status
    assert str(status) in told(described, method, path.partition("?")[0])
    shape = {"$ref": "#/components/schemas/ErrorOut"}
    document = shape | {"components": described["components"]}
    jsonschema_rs.validate(document, answer.json())


def told(described: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """The responses of the call whose address has this form."""
    parts = f"/api/v1{path}".split("/")
    for form, operations in described["paths"].items():
        pairs = list(zip(form.split("/"), parts, strict=False))
        fits = all(part == each or part.startswith("{") for part, each in pairs)
        if fits and len(form.split("/")) == len(parts) and method.lower() in operations:
            return operations[method.lower()]["responses"]
    raise AssertionError(path)


async def test_every_call_with_a_key_tells_of_a_missing_one(described):
    calls = {
        f"{method} {path}": call["responses"].keys()
        for path, operations in described["paths"].items()
        for method, call in operations.items()
        if path.startswith("/api/v1")
    }
    assert len(calls) > 40
    assert not [call for call, told in calls.items() if not told >= {"401", "403"}]


async def test_a_replay_that_is_only_counted_is_told(described):
    answers = described["paths"]["/api/v1/replays"]["post"]["responses"]
    assert answers.keys() >= {"200", "201"}


async def test_a_body_that_may_be_left_out_is_told_so(described):
    needed = {
        path.rpartition("/")[2]: call["requestBody"]["required"]
        for path, operations in described["paths"].items()
        for method, call in operations.items()
        if method == "post" and "requestBody" in call
    }
    left_out = {name for name, is_needed in needed.items() if not is_needed}
    assert left_out == {"activate", "test", "preview", "rotate"}


async def test_what_a_list_is_asked_for_is_told(described):
    asked = described["paths"]["/api/v1/deliveries"]["get"]["parameters"]
    assert {each["name"] for each in asked} == {
        *("cursor", "limit", "since", "until"),
        *("webhook", "event", "state"),
    }
    (since,) = (each["schema"] for each in asked if each["name"] == "since")
    assert since["anyOf"][0] == {"type": "string", "format": "date-time"}


async def test_a_patch_has_no_defaults(described):
    fields = described["components"]["schemas"]["WebhookPatch"]["properties"]
    assert not [name for name, field in fields.items() if "default" in field]


async def test_no_name_shows_our_modules(described):
    names = described["components"]["schemas"].keys()
    assert not [name for name in names if "." in name or "shapes" in name]


@pytest.mark.parametrize("shape", EXAMPLES, ids=lambda shape: shape.__name__)
async def test_examples_are_of_the_shape_they_stand_for(shape):
    example = msgspec.json.encode(EXAMPLES[shape])
    assert isinstance(msgspec.json.decode(example, type=shape), shape)
