"""Trying a webhook out before it is saved, and afterwards."""

import re

from standardwebhooks import Webhook as Receiver

from callboard.insight import trial
from callboard.webhooks.tables import Webhook
from tests import make
from tests.engine import TYPE, Engine
from tests.pages.forms import FORM
from tests.pages.signed_in import seen


async def test_calls_the_url_before_anything_is_saved(alice, engine: Engine):
    form = FORM | {"url": f"{engine.receiver.url}/try", "type": TYPE}
    answer = await alice.post("/webhooks/new/test", form, 200)
    (call,) = await engine.receiver.got(1, "/try")
    assert call.id.startswith("evt_test_")
    assert "webhook-signature" in call.headers
    assert "The receiver took the test: 200" in seen(answer)
    assert f'value="{form["url"]}"' in answer.text
    assert not await Webhook.exists()


async def test_shows_what_a_receiver_answered_instead(alice, engine: Engine):
    engine.receiver.script("/no", 500)
    form = FORM | {"url": f"{engine.receiver.url}/no"}
    answer = await alice.post("/webhooks/new/test", form, 200)
    assert "The receiver refused the test: 500" in seen(answer)


async def test_addresses_that_are_not_allowed_are_not_called(alice, engine):
    form = FORM | {"url": "http://10.0.0.1/"}
    answer = await alice.post("/webhooks/new/test", form, 200)
    assert "The test did not arrive: blocked" in seen(answer)


async def test_needs_a_url_but_not_yet_events_and_people(alice, engine):
    form = FORM | {"url": "", "events": [], "addresses": "nobody"}
    answer = await alice.post("/webhooks/new/test", form, 422)
    assert "Choose a member" not in seen(answer)
    form = form | {"url": engine.receiver.url}
    await alice.post("/webhooks/new/test", form, 200)


async def test_a_saved_webhook_signs_with_its_own_secret(alice, engine):
    id = await engine.webhook("/saved", active=False)
    answer = await alice.post(f"/webhooks/{id}/test", {"type": TYPE}, 200)
    assert "The receiver took the test: 200" in seen(answer)
    form = FORM | {"url": f"{engine.receiver.url}/saved"}
    await alice.post(f"/webhooks/{id}/edit/test", form, 200)
    for call in await engine.receiver.got(2, "/saved"):
        Receiver(engine.secrets[id]).verify(call.body, call.headers)


async def test_begins_with_an_event_that_the_webhook_listens_to(alice, engine):
    await make.event_type(engine.account, "bill.paid")
    id = await engine.webhook(active=False, events=("contact.*",))
    for page in (f"/webhooks/{id}?tab=test", f"/webhooks/{id}/edit"):
        chosen = re.findall(
            r"<option[^>]* selected>([^<]+)", (await alice.get(page)).text
        )
        assert TYPE in chosen
        assert "bill.paid" not in chosen


async def test_is_not_offered_to_those_who_only_look(alice, viewer, engine):
    page = f"/webhooks/{await engine.webhook()}?tab=test"
    assert "Send test" in seen(await alice.get(page))
    assert "Send test" not in seen(await viewer.get(page))


async def test_is_limited_so_that_nobody_scans_with_it(alice, bob, engine, monkeypatch):
    monkeypatch.setattr(trial, "MOST", 2)
    form = FORM | {"url": engine.receiver.url}
    for status in (200, 200, 429):
        answer = await alice.post("/webhooks/new/test", form, status)
    assert "Wait a quarter of an hour." in seen(answer)
    await bob.post("/webhooks/new/test", form, 200)


async def test_the_preview_shows_the_request_and_sends_nothing(alice, engine):
    form = FORM | {"url": f"{engine.receiver.url}/preview", "headers": "X-Key: abc"}
    part = await alice.post_part("/webhooks/new/preview", form)
    assert "<html" not in part.text
    assert f"POST {engine.receiver.url}/preview" in seen(part)
    assert "abc" not in part.text
    part = await alice.post_part("/webhooks/new/preview", FORM | {"url": "x"}, 422)
    assert "once these are mended" in seen(part)
    assert engine.receiver.calls == []
