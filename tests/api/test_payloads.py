"""How a webhook is called and what is sent, through the API."""

import json
from typing import Any

import httpx
import pytest

from tests.cast import Cast
from tests.engine import Engine
from tests.receiver import receiving

TYPE = "contact.created"
WEBHOOKS, TYPES = "/api/v1/webhooks", "/api/v1/event-types"
SAMPLE = {"contactNumber": "1000234", "address": {"id": 3, "zipCode": "13002"}}
CONTACT = {
    "name": TYPE,
    "sample": SAMPLE,
    "placeholders": {"contactNumber": "data.contactNumber"},
    "fields": {"address": "relation"},
    "kinds": ["newsletter"],
}
URL = "http://dev.environment.com/path/${contactNumber}?update=true"


@pytest.fixture
async def contacts(api: httpx.AsyncClient) -> httpx.AsyncClient:
    answer = await api.post(TYPES, json=CONTACT)
    assert answer.status_code == 201, answer.text
    return api


async def create(api: httpx.AsyncClient, **settings: Any) -> dict[str, Any]:
    answer = await api.post(WEBHOOKS, json={"url": URL, "events": [TYPE]} | settings)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def refused(api: httpx.AsyncClient, **settings: Any) -> list[dict[str, Any]]:
    answer = await api.post(WEBHOOKS, json={"url": URL, "events": [TYPE]} | settings)
    assert answer.status_code == 422, answer.text
    return answer.json()["error"]["problems"]


class TestEventTypes:
    async def test_say_what_they_declare(self, contacts):
        shown = (await contacts.get(f"{TYPES}/{TYPE}")).json()
        assert {name: shown[name] for name in CONTACT} == CONTACT

    async def test_forget_what_a_change_leaves_out(self, contacts):
        answer = await contacts.put(f"{TYPES}/{TYPE}", json={"sample": SAMPLE})
        told = answer.json()
        assert (told["placeholders"], told["fields"], told["kinds"]) == ({}, {}, [])

    async def test_are_checked(self, contacts):
        wrong = CONTACT | {
            "name": "b",
            "placeholders": {"id": "data.id", "x": "y"},
            "kinds": [""],
        }
        answer = await contacts.post(TYPES, json=wrong)
        fields = [p["field"] for p in answer.json()["error"]["problems"]]
        assert fields == ["placeholders.id", "placeholders.x", "kinds.0"]


class TestMethodAndUrl:
    async def test_get_sends_nothing_unless_told_otherwise(self, contacts):
        made = await create(contacts, method="GET")
        assert (made["url"], made["method"]) == (URL, "GET")
        assert made["payload"]["format"] == "none"

    async def test_a_get_interface_without_a_placeholder_is_refused(self, contacts):
        url = "http://dev.environment.com/?a=b"
        (problem,) = await refused(contacts, method="GET", url=url)
        assert problem["field"] == "url"
        assert "${contactNumber}" in problem["message"]

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("written", ["{contactNumber}", "${contact id}"])
    async def test_the_two_invalid_urls_are_refused(self, contacts, method, written):
        url = f"http://dev.environment.com/?data={written}"
        (problem,) = await refused(contacts, method=method, url=url)
        assert (problem["field"], problem["position"]) == ("url", 34)
        assert "${contactNumber}" in problem["message"]

    async def test_a_short_name_must_be_declared_by_every_type(self, contacts):
        await contacts.post(TYPES, json={"name": "contact.deleted"})
        await create(contacts)
        (problem,) = await refused(contacts, events=["contact.*"])
        assert "There is no ${contactNumber} for these events." in problem["message"]

    async def test_another_method_is_refused(self, contacts):
        assert [p["field"] for p in await refused(contacts, method="TRACE")] == [
            "method"
        ]

    async def test_a_change_of_the_method_changes_the_usual_format(self, contacts):
        made = await create(contacts)
        path = f"{WEBHOOKS}/{made['id']}"
        changed = (await contacts.patch(path, json={"method": "GET"})).json()
        assert changed["payload"]["format"] == "none"
        changed = (await contacts.patch(path, json={"method": "PUT"})).json()
        assert changed["payload"]["format"] == "standard"
        answer = await contacts.patch(
            path, json={"method": "GET", "payload": {"format": "data"}}
        )
        (problem,) = answer.json()["error"]["problems"]
        assert problem["field"] == "payload.format"


class TestPayload:
    async def test_is_shown_as_it_was_set(self, contacts):
        payload = {
            "format": "template",
            "template": '{"contact":"${data.id}"}',
            "fields": ["id", "first_name:firstName"],
            "include": ["address"],
            "language": "fr",
            "mode": "structured",
            "source": "",
        }
        made = await create(contacts, payload=payload)
        assert made["payload"] == payload
        path = f"{WEBHOOKS}/{made['id']}"
        changed = await contacts.patch(path, json={"payload": {"fields": ["id"]}})
        assert changed.json()["payload"] == payload | {"fields": ["id"]}
        changed = await contacts.patch(path, json={"payload": None})
        assert changed.json()["payload"]["format"] == "standard"

    async def test_every_problem_is_told_at_once(self, contacts):
        payload = {
            "format": "template",
            "template": '{"contact": ${nobody}}',
            "fields": ["a b"],
            "include": ["adress"],
            "language": "!",
        }
        problems = await refused(contacts, payload=payload, method="GET", url="x")
        assert [p["field"] for p in problems] == [
            "url", "payload.format", "payload.template", "payload.fields.0",
            "payload.include.0", "payload.language",
        ]  # fmt: skip
        assert [p["position"] for p in problems if "position" in p] == [13]

    async def test_headers_that_belong_to_cloudevents_are_refused(self, contacts):
        headers = {"CE-Id": "7", "X-Env": "prod"}
        await create(contacts, headers=headers)
        payload = {"format": "cloudevents"}
        (problem,) = await refused(contacts, headers=headers, payload=payload)
        assert problem["field"] == "headers.CE-Id"


class TestPreviewAndTest:
    @pytest.fixture
    async def engine(self, contacts, runtime, cast: Cast):
        async with receiving() as receiver:
            engine = Engine(cast.alice.account, runtime, receiver)
            yield engine

    async def preview(
        self, api: httpx.AsyncClient, webhook: str, **what: str
    ) -> dict[str, Any]:
        answer = await api.post(f"{WEBHOOKS}/{webhook}/preview", json=what)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def test_the_preview_is_the_very_request(self, contacts, engine):
        payload = {"format": "form", "include": ["address"]}
        url = f"{engine.receiver.url}/${{contactNumber}}"
        made = await create(contacts, url=url, payload=payload, state="active")
        receipt = await engine.post(
            json.dumps(SAMPLE | {"contactNumber": "7"}).encode()
        )
        shown = await self.preview(contacts, made["id"], event=receipt.id)
        await engine.work()
        (call,) = engine.receiver.calls
        assert shown["passes"]
        assert shown["request"]["method"] == call.method
        assert shown["request"]["url"] == engine.receiver.url + call.path
        assert shown["request"]["body"].encode() == call.body
        fresh = {"webhook-timestamp", "webhook-signature"}
        told = {name.lower(): value for name, value in shown["request"]["headers"]}
        assert {n: v for n, v in told.items() if n not in fresh} == {
            n: call.headers[n] for n in told if n not in fresh
        }
        assert fresh < told.keys()

    async def test_a_sample_is_shown_where_no_event_is_named(self, contacts, engine):
        made = await create(contacts, method="GET")
        shown = await self.preview(contacts, made["id"], type=TYPE)
        assert shown["request"]["url"] == URL.replace("${contactNumber}", "1000234")
        assert shown["request"]["body"] == ""
        assert engine.receiver.calls == []

    async def test_what_cannot_be_filled_does_not_pass(self, contacts, engine):
        made = await create(contacts)
        receipt = await engine.post(b"{}")
        shown = await self.preview(contacts, made["id"], event=receipt.id)
        assert not shown["passes"]
        assert "The event has no ${contactNumber}" in shown["why"]
        assert shown["request"]["url"] == URL

    async def test_a_test_makes_the_call(self, contacts, engine):
        url = f"{engine.receiver.url}/${{contactNumber}}"
        made = await create(
            contacts, url=url, method="DELETE", payload={"format": "data"}
        )
        path = f"{WEBHOOKS}/{made['id']}/test"
        told = (await contacts.post(path, json={})).json()
        (call,) = engine.receiver.calls
        assert (call.method, call.path) == ("DELETE", "/1000234")
        assert json.loads(call.body) == SAMPLE | {"address": 3}
        assert told["request"]["body"].encode() == call.body
        assert told["outcome"]["passed"]
        told = (await contacts.post(path, json={"data": {}})).json()
        assert told["outcome"]["error"] == "bad_value"
        assert told["response"] is None
        assert len(engine.receiver.calls) == 1
