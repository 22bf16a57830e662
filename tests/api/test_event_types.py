"""The catalogue through the API."""

import pytest

from callboard.catalogue import presets
from tests.cast import Cast
from tests.problems import told

PATH = "/api/v1/event-types"
NEW = {
    "name": "contact.created",
    "group": "Contacts",
    "schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
}


async def test_a_type_is_created_shown_changed_and_removed(api):
    made = await api.post(PATH, json=NEW)
    assert made.status_code == 201
    body = made.json()
    assert {name: body[name] for name in NEW} == NEW
    assert (body["description"], body["sample"]) == ("", None)

    path = f"{PATH}/contact.created"
    assert (await api.get(path)).json() == body
    assert (await api.get(f"{path}/sample")).json() == {"id": 1}

    changed = await api.put(path, json={"sample": {"id": 7}})
    assert changed.status_code == 200
    assert (changed.json()["schema"], changed.json()["group"]) == (None, "")
    assert (await api.get(f"{path}/sample")).json() == {"id": 7}
    assert told(await api.put(path, json={"name": "x"})) == [("name", "changed")]

    assert (await api.delete(path)).status_code == 204
    assert (await api.get(path)).status_code == 404


async def test_a_taken_name_is_a_conflict(api):
    await api.post(PATH, json=NEW)
    answer = await api.post(PATH, json=NEW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "name_taken")


async def test_a_type_that_webhooks_name_stays(api):
    await api.post(PATH, json=NEW)
    webhook = {
        "url": "https://r.example/",
        "events": ["contact.created"],
        "name": "CRM",
    }
    await api.post("/api/v1/webhooks", json=webhook)
    answer = await api.delete(f"{PATH}/contact.created")
    assert answer.status_code == 409
    assert "CRM" in answer.json()["error"]["message"]


async def test_all_problems_at_once(api):
    answer = await api.post(PATH, json={"group": 1, "nix": 2})
    assert told(answer) == [
        ("nix", "unknown"),
        ("name", "missing"),
        ("group", "type"),
    ]
    answer = await api.post(PATH, json={"name": "a b", "schema": {"type": 4}})
    assert [field.partition("/")[0] for field, _ in told(answer)] == [
        "name",
        "schema",
    ]


async def test_a_schema_is_enforced_when_events_come(api):
    await api.post(PATH, json=NEW)
    event = {"type": "contact.created", "data": {"id": "x"}}
    answer = await api.post("/api/v1/events", json=event)
    assert [field for field, _ in told(answer)] == ["data/id"]
    event["data"]["id"] = 3  # type: ignore[index]
    assert (await api.post("/api/v1/events", json=event)).status_code == 202


async def test_pages_lead_to_all(api):
    for name in ("c", "a", "b"):
        await api.post(PATH, json={"name": name})
    first = (await api.get(PATH, params={"limit": 2})).json()
    rest = (await api.get(PATH, params={"limit": 2, "cursor": first["next"]})).json()
    assert [each["name"] for each in first["items"] + rest["items"]] == ["a", "b", "c"]
    assert rest["next"] is None


@pytest.mark.parametrize("name", presets.names())
async def test_a_preset_is_installed_once(api, name: str):
    first = await api.post(f"/api/v1/presets/{name}")
    assert first.status_code == 200
    again = (await api.post(f"/api/v1/presets/{name}")).json()
    assert again == {"added": [], "present": first.json()["added"]}
    assert again["present"]


async def test_an_unknown_preset_is_a_404(api):
    answer = await api.post("/api/v1/presets/nix")
    assert answer.status_code == 404
    assert presets.names()[0] in answer.json()["error"]["message"]


async def test_charlie_finds_nothing_of_ours(api, cast: Cast):
    await api.post(PATH, json=NEW)
    stranger = cast.charlie.headers
    assert (await api.get(PATH, headers=stranger)).json()["items"] == []
    path = f"{PATH}/contact.created"
    for method, rest in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/sample")):
        answer = await api.request(method, path + rest, json={}, headers=stranger)
        assert answer.status_code == 404
