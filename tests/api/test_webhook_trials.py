"""Previews and test calls through the API."""

import pytest

from callboard.insight import trial
from tests import make
from tests.api.creating import PATH, create
from tests.problems import told
from tests.servers import free_port

pytestmark = pytest.mark.usefixtures("contact_created")


async def test_a_preview_shows_the_request_and_sends_nothing(api):
    path = f"{PATH}/{(await create(api, headers={'X-Key': 'k'}))['id']}/preview"
    shown = (await api.post(path)).json()
    assert (shown["passes"], shown["request"]["method"]) == (True, "POST")
    assert '"type":"contact.created"' in shown["request"]["body"]
    headers = dict(shown["request"]["headers"])
    assert headers["webhook-id"].startswith("evt_")
    assert headers["X-Key"] != "k"


async def test_a_preview_says_what_would_not_pass(api, cast):
    await make.event_type(cast.alice.account, "order.paid")
    path = f"{PATH}/{(await create(api))['id']}/preview"
    shown = (await api.post(path, json={"type": "order.paid"})).json()
    assert shown["passes"] is False
    assert "contact.created" in shown["why"]
    body = {"type": "order.payd"}
    assert told(await api.post(path, json=body)) == [("type", "unknown_type")]


async def test_a_preview_of_an_event_that_came(api):
    event = {"type": "contact.created", "data": {"id": 99}}
    came = (await api.post("/api/v1/events", json=event)).json()
    path = f"{PATH}/{(await create(api))['id']}/preview"
    shown = (await api.post(path, json={"event": came["id"]})).json()
    assert '"data":{"id":99}' in shown["request"]["body"].replace(" ", "")
    answer = await api.post(path, json={"event": "evt_other"})
    assert answer.status_code == 404


async def test_a_test_call_tells_what_came_of_it(api):
    port = free_port()  # nobody listens there
    made = await create(api, url=f"http://127.0.0.1:{port}/")
    answer = await api.post(f"{PATH}/{made['id']}/test", json={"data": {"x": 1}})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert '"x":1' in made["request"]["body"].replace(" ", "")
    assert made["response"] is None
    assert made["outcome"]["passed"] is False
    assert made["outcome"]["error"] == "connection_refused"


async def test_a_key_makes_so_many_test_calls_and_no_more(api, monkeypatch):
    monkeypatch.setattr(trial, "MOST", 2)
    made = await create(api, url=f"http://127.0.0.1:{free_port()}/")
    for status in (200, 200, 429):
        answer = await api.post(f"{PATH}/{made['id']}/test")
        assert answer.status_code == status
    assert answer.json()["error"]["code"] == "too_many"


async def test_a_webhook_that_nothing_fits_needs_a_type(api):
    path = f"{PATH}/{(await create(api, events=['nix.*']))['id']}"
    for verb in ("test", "preview"):
        answer = await api.post(f"{path}/{verb}")
        assert told(answer) == [("type", "missing")]
