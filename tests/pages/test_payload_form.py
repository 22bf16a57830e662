"""How a webhook is called and what is sent, as a person chooses it on the form."""

import json

import pytest

from callboard.catalogue import event_types
from callboard.catalogue.new_types import NewEventType
from callboard.webhooks.settings import settings_of
from tests.engine import TYPE, Engine
from tests.pages.forms import FORM, only
from tests.pages.signed_in import seen

SAMPLE = '{"contactNumber": "1000234", "address": {"id": 3, "city": "Ulm"}}'
PREVIEW = "/webhooks/new/preview"


@pytest.fixture
async def contacts(engine: Engine) -> Engine:
    """contact.created with a sample, a short name and a relation."""
    new = NewEventType(
        name=TYPE,
        sample=SAMPLE,
        placeholders={"contactNumber": "data.contactNumber"},
        fields={"address": "relation"},
    )
    await event_types.change(engine.by, TYPE, new)
    return engine


def live(text: str, field: str) -> str:
    """What htmx puts at the field."""
    return text.split(f'id="live-{field}" hx-swap-oob="true">')[1].split("</div>")[0]


async def test_the_preview_shows_the_exact_request_of_what_is_typed(alice, contacts):
    form = FORM | {
        "method": "PUT",
        "url": "https://r.example/c/${contactNumber}?in=${data.address.city}",
        "payload_format": "template",
        "payload_template": '{"contact": "${contactNumber}"}',
    }
    answer = await alice.post_part(PREVIEW, form)
    assert "PUT https://r.example/c/1000234?in=Ulm" in seen(answer)
    assert "&#34;contact&#34;: &#34;1000234&#34;" in answer.text
    assert "${data.address.city} Ulm" in seen(answer)
    assert not live(answer.text, "url")


async def test_get_needs_no_second_choice(alice, contacts):
    form = FORM | {"method": "GET", "url": "https://r.example/${contactNumber}"}
    answer = await alice.post_part(PREVIEW, form)
    assert "GET https://r.example/1000234" in seen(answer)
    assert "No body." in seen(answer)
    await alice.post("/webhooks/new", form)
    saved = settings_of(await only())
    assert (saved.method, saved.payload.format_with("GET")) == ("GET", "none")


async def test_problems_come_to_their_fields_with_their_place(alice, contacts):
    form = FORM | {
        "url": "https://r.example/${contact id}",
        "payload_format": "template",
        "payload_template": '{\n  "a": ${contactNo}\n}',
    }
    answer = await alice.post_part(PREVIEW, form, 422)
    assert "At character 19:" in live(answer.text, "url")
    caret = live(answer.text, "payload_template").split("<pre")[1]
    lines = caret.split(">")[1].split("</pre")[0].split("\n")
    assert lines == ["  &#34;a&#34;: ${contactNo}", "       ^"]
    page = await alice.post("/webhooks/new", form, 422)
    assert "At character 19:" in seen(page)
    assert form["payload_template"].split("\n")[1].strip() in seen(page)


async def test_a_past_event_is_chosen_for_the_preview_and_the_test(alice, contacts):
    receipt = await contacts.post(b'{"contactNumber": "77"}', key="order-77")
    url = f"{contacts.receiver.url}/${{contactNumber}}"
    shown = await alice.post_part(PREVIEW, FORM | {"url": url})
    assert "order-77" in shown.text
    assert "/1000234" in seen(shown)
    form = FORM | {"url": url, "shown_event": receipt.id}
    shown = seen(await alice.post_part(PREVIEW, form))
    assert "/77" in shown
    assert receipt.id in shown
    await alice.post_part("/webhooks/new/test", form)
    (call,) = contacts.receiver.calls
    assert call.path == "/77"
    assert call.id.startswith("evt_test_")


async def test_an_event_without_a_value_is_told_beforehand(alice, contacts):
    receipt = await contacts.post(b"{}")
    form = FORM | {
        "url": "https://r.example/${contactNumber}",
        "shown_event": receipt.id,
    }
    answer = await alice.post_part(PREVIEW, form)
    assert "This delivery would fail." in seen(answer)
    assert "The event has no ${contactNumber}" in seen(answer)


async def test_everything_is_kept_and_shown_again(alice, contacts):
    form = FORM | {
        "method": "POST",
        "payload_format": "cloudevents",
        "payload_mode": "binary",
        "payload_source": "https://shop.example",
        "payload_fields": "contactNumber:number\naddress.city",
        "payload_include": ["address"],
        "payload_language": "fr",
    }
    await alice.post("/webhooks/new", form)
    row = await only()
    assert json.loads(row.payload) == {
        "format": "cloudevents",
        "mode": "binary",
        "source": "https://shop.example",
        "fields": ["contactNumber:number", "address.city"],
        "include": ["address"],
        "language": "fr",
    }
    page = await alice.get(f"/webhooks/{row.id}/edit")
    assert "contactNumber:number\naddress.city</textarea>" in page.text
    assert 'name="payload_include" value="address" checked' in page.text
    assert 'value="binary" checked' in page.text
    settings = seen(await alice.get(f"/webhooks/{row.id}?tab=settings"))
    assert "CloudEvents 1.0, binary; of the data only contactNumber:number" in settings
    await alice.post(f"/webhooks/{row.id}/edit", form | {"payload_format": "standard"})
    assert json.loads((await only()).payload).get("format") is None


async def test_what_cannot_be_included_is_told(alice, contacts):
    wrong = FORM | {"payload_include": ["adress"], "payload_fields": "a b:c:d"}
    answer = await alice.post("/webhooks/new", wrong, 422)
    assert "Did you mean address?" in seen(answer)
    assert "Write a field's path in the data" in seen(answer)
