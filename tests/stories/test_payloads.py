"""What a receiver gets, by the webhook's method, URL and payload."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks import Webhook

from callboard.catalogue import event_types
from callboard.catalogue.new_types import NewEventType
from callboard.delivery import reading
from callboard.delivery.reading import DeliveryView
from callboard.payload.settings import Payload
from callboard.webhooks import webhooks
from tests.engine import TYPE, Engine

DATA = {
    "contactNumber": "1000234",
    "name": 'Ada "Countess" Lovelace & co',
    "address": {"id": 3, "zipCode": "13002"},
    "notes": ["prompt"],
}


@pytest.fixture
async def contacts(engine: Engine) -> Engine:
    """contact.created has a short name, a relation, and a field on demand."""
    await declare(engine)
    return engine


async def declare(engine: Engine, **more: Any) -> None:
    told = {
        "placeholders": {"contactNumber": "data.contactNumber"},
        "fields": {"address": "relation", "notes": "on_demand"},
    } | more
    new = NewEventType(name=TYPE, **told)
    await event_types.change(engine.by, TYPE, new)


async def delivered(engine: Engine, data: object = None) -> list[DeliveryView]:
    """Posts one event, waits until all is done, and tells what became of it."""
    await engine.post(json.dumps(data or DATA).encode())
    await engine.work()
    ids = await engine.deliveries()
    return [await reading.get(engine.account, id) for id in ids]


async def test_a_get_call_has_the_number_in_its_url_and_no_body(contacts: Engine):
    id = await contacts.webhook("/path/${contactNumber}?update=true", method="GET")
    (told,) = await delivered(contacts)
    (call,) = contacts.receiver.calls
    assert (call.method, call.path) == ("GET", "/path/1000234?update=true")
    assert call.body == b""
    assert "content-type" not in call.headers
    sent_at = datetime.fromtimestamp(int(call.headers["webhook-timestamp"]), UTC)
    signature = Webhook(contacts.secrets[id]).sign(call.id, sent_at, "")
    assert call.headers["webhook-signature"] == signature
    assert told.attempts[0].request.url.endswith("/path/1000234?update=true")
    assert told.attempts[0].request.body == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_other_methods_bring_the_usual_body(contacts: Engine, method):
    id = await contacts.webhook("/c/${data.name}", method=method)
    await delivered(contacts)
    (call,) = contacts.receiver.calls
    assert call.method == method
    assert call.path == "/c/Ada%20%22Countess%22%20Lovelace%20%26%20co"
    Webhook(contacts.secrets[id]).verify(call.body, call.headers)
    assert call.data == {
        "contactNumber": "1000234", "name": DATA["name"], "address": 3,
    }  # fmt: skip


async def test_a_template_is_sent_with_its_values(contacts: Engine):
    template = '{"contact":"${contactNumber}","again":["${contactNumber}"]}'
    id = await contacts.webhook(payload=Payload("template", template))
    (told,) = await delivered(contacts)
    (call,) = contacts.receiver.calls
    assert call.body == b'{"contact":"1000234","again":["1000234"]}'
    assert call.headers["content-type"] == "application/json"
    Webhook(contacts.secrets[id]).verify(call.body, call.headers)
    assert told.attempts[0].request.body == call.body


async def test_a_post_without_payload_is_empty(contacts: Engine):
    await contacts.webhook(payload=Payload("none"), signing="none")
    (told,) = await delivered(contacts)
    (call,) = contacts.receiver.calls
    assert (call.method, call.body) == ("POST", b"")
    assert "content-type" not in call.headers
    assert told.attempts[0].request.body == b""


async def test_a_form_counts_its_attempts_and_keeps_the_record_as_it_was(
    contacts: Engine,
):
    """By 002_d2ff333a4f053479.txt: posts at each interval, counted from 1."""
    await contacts.webhook(
        "/receiver", payload=Payload("form", include=("address",)), schedule=(1, 1)
    )
    contacts.receiver.script("/receiver", 500, 500, 200)
    (told,) = await delivered(contacts)
    calls = contacts.receiver.calls
    forms = [parse_qs(call.body.decode()) for call in calls]
    assert [form["number_of_attempts"] for form in forms] == [["1"], ["2"], ["3"]]
    assert all(form["type"] == ["CREATE"] for form in forms)
    assert all(form["resource"] == ["contact"] for form in forms)
    kept = {name: DATA[name] for name in ("contactNumber", "name", "address")}
    assert [json.loads(form["data"][0]) for form in forms] == [kept] * 3
    assert [each.request.body for each in told.attempts] == [c.body for c in calls]


@pytest.mark.parametrize("mode", ["structured", "binary"])
async def test_cloudevents_arrive_as_such(contacts: Engine, mode):
    id = await contacts.webhook(payload=Payload("cloudevents", mode=mode))
    (told,) = await delivered(contacts)
    (call,) = contacts.receiver.calls
    event = from_http_event(HTTPMessage(call.headers, call.body))
    assert event.get_id() == call.id == told.event
    assert event.get_type() == TYPE
    assert event.get_source() == f"urn:callboard:{contacts.account}"
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["address"] == 3
    Webhook(contacts.secrets[id]).verify(call.body, call.headers)


async def test_only_the_chosen_fields_are_sent(contacts: Engine):
    chosen = Payload("data", fields=("address.zipCode:zip",), include=("notes",))
    await contacts.webhook(payload=chosen)
    await delivered(contacts)
    (call,) = contacts.receiver.calls
    assert json.loads(call.body) == {"zip": "13002", "notes": ["prompt"]}


async def test_without_a_value_the_delivery_fails_at_once_and_says_why(
    contacts: Engine,
):
    id = await contacts.webhook("/${contactNumber}", deactivate_after=1)
    (told,) = await delivered(contacts, {"contactNumber": ".."})
    assert contacts.receiver.calls == []
    assert told.state == "failed"
    assert "${contactNumber} would put . or .." in told.reason
    (attempt,) = told.attempts
    assert (attempt.error, attempt.detail) == ("bad_value", told.reason)
    assert attempt.request.url.endswith("/${contactNumber}")
    row = await webhooks.get(contacts.account, id)
    assert row.state == "active", "the receiver has done nothing wrong"
    await delivered(contacts)
    assert [call.path for call in contacts.receiver.calls] == ["/1000234"]


async def test_what_a_type_declares_counts_from_the_next_call(contacts: Engine):
    await contacts.webhook("/${contactNumber}", payload=Payload("data"))
    await delivered(contacts)
    await declare(
        contacts, placeholders={"contactNumber": "data.address.id"}, fields={}
    )
    await delivered(contacts)
    first, second = contacts.receiver.calls
    assert (first.path, second.path) == ("/1000234", "/3")
    assert "notes" not in json.loads(first.body)
    assert json.loads(second.body) == DATA
