"""Webhooks through the API: drafts, changes, states, and problems by name."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from callboard import trial
from callboard.accounts import audit
from tests import make
from tests.cast import Cast, person
from tests.servers import free_port

PATH = "/api/v1/webhooks"
NEW = {"url": "https://r.example/hook", "events": ["contact.created"]}


@pytest.fixture
async def api(api: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await make.event_type(cast.alice.account, "contact.created")
    return api


def problems(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(p["field"], p["code"]) for p in answer.json()["error"]["problems"]]


async def create(api: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await api.post(PATH, json=NEW | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


class TestCreate:
    async def test_makes_a_draft_and_shows_its_secret_once(self, api, cast):
        made = await create(api)
        assert made["id"].startswith("wh_")
        assert (made["state"], made["held"]) == ("draft", 0)
        assert made["secret"].startswith("whsec_")
        shown = (await api.get(f"{PATH}/{made['id']}")).json()
        assert made.pop("secret") not in str(shown)
        assert shown == made
        assert (await audit.listed(cast.alice.account))[0].actor == "key tests"

    async def test_has_defaults(self, api):
        made = await create(api)
        expected = {
            "name": "r.example",
            "app": "",
            "method": "POST",
            "payload": {
                "format": "standard",
                "template": "",
                "fields": [],
                "include": [],
                "language": "EN-US",
                "mode": "structured",
                "source": "",
            },
            "auth": {"type": "none"},
            "signing": {"scheme": "standard", "header": "webhook-signature"},
            "success": "2xx",
            "retry": {"schedule": [120, 480, 1200, 1800, 3600]},
            "timeout": 15,
            "rate_per_second": None,
            "concurrency": 10,
            "ordered": False,
            "hold_days": 4,
            "deactivate_after": 1,
            "recipients": [],
            "notify": ["failing", "deactivated", "reminder", "recovered"],
            "last_delivery": None,
        }
        assert {name: made[name] for name in expected} == expected

    async def test_takes_everything_it_shows(self, api):
        given = {
            "name": "CRM sync",
            "app": "crm",
            "events": ["contact.created", "order.*"],
            "headers": {"X-Env": "prod"},
            "success": [200, 202],
            "retry": {"schedule": [1, 2]},
            "timeout": 5,
            "rate_per_second": 2.5,
            "concurrency": 1,
            "ordered": True,
            "hold_days": 0,
            "deactivate_after": None,
            "recipients": ["ops@example.org"],
            "notify": ["deactivated", "delivery_failed"],
        }
        made = await create(api, **given)
        assert {name: made[name] for name in given} == given

    async def test_may_activate_at_once(self, api):
        assert (await create(api, state="active"))["state"] == "active"

    async def test_takes_a_secret_that_is_brought(self, api):
        secret = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        made = await create(api, signing={"scheme": "standard", "secret": secret})
        assert made["secret"] == secret
        unsigned = await create(api, signing={"scheme": "none"})
        assert unsigned["secret"] is None

    async def test_tells_all_shape_problems_by_name(self, api):
        body = {"events": "*", "filtr": 1, "timeout": "5", "signing": {"scheme": "x"}}
        assert problems(await api.post(PATH, json=body)) == [
            ("filtr", "unknown"),
            ("url", "missing"),
            ("events", "type"),
            ("signing.scheme", "type"),
            ("timeout", "type"),
        ]

    async def test_tells_all_broken_rules_at_once(self, api):
        body = {
            "url": "ftp://x",
            "events": ["nix"],
            "timeout": 99,
            "headers": {"Host": "x"},
        }
        fields = [field for field, _ in problems(await api.post(PATH, json=body))]
        assert len(fields) == 4
        assert [field.partition(".")[0] for field in fields[:2]] == ["url", "events"]


class TestChange:
    async def test_is_a_merge_patch(self, api):
        made = await create(api, timeout=5, headers={"X-A": "1", "X-B": "2"}, name="A")
        path = f"{PATH}/{made['id']}"
        change = {"timeout": None, "headers": {"X-A": None, "X-C": "3"}, "app": "crm"}
        answer = await api.patch(path, json=change)
        assert answer.status_code == 200
        changed = answer.json()
        assert changed["timeout"] == 15
        assert changed["headers"] == {"X-B": "2", "X-C": "3"}
        assert (changed["name"], changed["app"]) == ("A", "crm")
        assert (await api.get(path)).json() == changed

    async def test_null_is_a_word_where_it_means_never(self, api):
        path = f"{PATH}/{(await create(api, deactivate_after=3))['id']}"
        for wanted in (None, 2):
            answer = await api.patch(path, json={"deactivate_after": wanted})
            assert answer.json()["deactivate_after"] == wanted
        answer = await api.patch(path, json={"deactivate_after": 0, "notify": ["nix"]})
        assert [field for field, _ in problems(answer)] == [
            "deactivate_after",
            "notify",
        ]

    async def test_leaves_states_to_their_verbs(self, api):
        path = f"{PATH}/{(await create(api))['id']}"
        body = {"state": "active", "signing": {"scheme": 1}, "url": None, "nix": None}
        assert problems(await api.patch(path, json=body)) == [
            ("state", "not_by_patch"),
            ("nix", "unknown"),
            ("url", "missing"),
            ("signing.scheme", "type"),
        ]
        assert (await api.patch(path, json=[])).status_code == 422
        assert (await api.patch(path, content=b"{")).status_code == 400


class TestStates:
    async def test_go_by_their_verbs(self, api):
        path = f"{PATH}/{(await create(api))['id']}"
        assert (await api.post(f"{path}/pause")).status_code == 409
        for verb, state in (
            ("activate", "active"),
            ("activate", "active"),
            ("pause", "paused"),
            ("deactivate", "deactivated"),
        ):
            answer = await api.post(f"{path}/{verb}")
            assert (answer.status_code, answer.json()["state"]) == (200, state)
        answer = await api.post(f"{path}/activate", json={"held": "maybe"})
        assert problems(answer) == [("held", "type")]

    async def test_what_is_held_must_be_decided_upon(self, api):
        path = f"{PATH}/{(await create(api, state='active'))['id']}"
        await api.post(f"{path}/pause")
        event = {"type": "contact.created", "data": {}}
        answer = await api.post("/api/v1/events", json=event)
        assert answer.json()["deliveries"] == 1
        shown = (await api.get(path)).json()
        assert shown["held"] == 1
        assert shown["last_delivery"]["state"] == "held"
        holding = shown["holding"]
        oldest, expires = (
            datetime.fromisoformat(holding[name])
            for name in ("oldest_at", "first_expires_at")
        )
        assert expires - oldest == timedelta(days=shown["hold_days"])
        assert holding["about_bytes"] == len("{}")
        assert problems(await api.post(f"{path}/activate")) == [("held", "required")]
        answer = await api.post(f"{path}/activate", json={"held": "deliver"})
        assert answer.json()["state"] == "active"

    async def test_deleting_takes_it_out_of_sight(self, api):
        path = f"{PATH}/{(await create(api))['id']}"
        assert (await api.delete(path)).status_code == 204
        assert (await api.get(path)).status_code == 404
        assert (await api.delete(path)).status_code == 404


async def test_rotated_keys_show_the_new_secret_once(api, runtime):
    made = await create(api)
    path = f"{PATH}/{made['id']}/keys/rotate"
    rotated = (await api.post(path, json={"overlap_hours": 1})).json()
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    answer = await api.post(path, json={"overlap_hours": -1})
    assert problems(answer) == [("overlap_hours", "out_of_range")]


async def test_pages_lead_to_all(api):
    made = [(await create(api, name=f"W{i}"))["id"] for i in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        answer = (await api.get(PATH, params={"limit": 2, "cursor": cursor})).json()
        seen += [each["id"] for each in answer["items"]]
        cursor = answer["next"]
    assert seen == made[::-1]
    found = (await api.get(PATH, params={"q": "w3"})).json()["items"]
    assert [each["name"] for each in found] == ["W3"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x"])
async def test_odd_pages_are_refused(api, query: str):
    assert problems(await api.get(f"{PATH}?{query}"))[0][0] == query.partition("=")[0]


async def test_a_list_costs_as_many_queries_for_many_as_for_one(api, queries):
    await create(api)
    with queries() as one:
        await api.get(PATH)
    for _ in range(5):
        await create(api)
    with queries() as many:
        await api.get(PATH)
    assert len(many) == len(one)


async def test_a_key_that_only_reads_changes_nothing(api, cast: Cast):
    reader = await person(cast.alice.account, "eve@acme.example", "member", "read")
    assert (await api.get(PATH, headers=reader.headers)).status_code == 200
    answer = await api.post(PATH, json=NEW, headers=reader.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_charlie_finds_nothing_of_ours(api, cast: Cast):
    path = f"{PATH}/{(await create(api))['id']}"
    stranger = cast.charlie.headers
    assert (await api.get(PATH, headers=stranger)).json()["items"] == []
    for method, rest in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/activate"),
        ("POST", "/pause"),
        ("POST", "/deactivate"),
        ("GET", "/keys"),
        ("POST", "/keys/rotate"),
        ("POST", "/test"),
        ("POST", "/preview"),
    ):
        answer = await api.request(method, path + rest, json={}, headers=stranger)
        assert (answer.status_code, method + rest) == (404, method + rest)


class TestTrying:
    async def test_a_preview_shows_the_request_and_sends_nothing(self, api):
        path = f"{PATH}/{(await create(api, headers={'X-Key': 'k'}))['id']}/preview"
        shown = (await api.post(path)).json()
        assert (shown["passes"], shown["request"]["method"]) == (True, "POST")
        assert '"type":"contact.created"' in shown["request"]["body"]
        headers = dict(shown["request"]["headers"])
        assert headers["webhook-id"].startswith("evt_")
        assert headers["X-Key"] != "k"

    async def test_a_preview_says_what_would_not_pass(self, api, cast):
        await make.event_type(cast.alice.account, "order.paid")
        path = f"{PATH}/{(await create(api))['id']}/preview"
        shown = (await api.post(path, json={"type": "order.paid"})).json()
        assert shown["passes"] is False
        assert "contact.created" in shown["why"]
        body = {"type": "order.payd"}
        assert problems(await api.post(path, json=body)) == [("type", "unknown_type")]

    async def test_a_preview_of_an_event_that_came(self, api):
        event = {"type": "contact.created", "data": {"id": 99}}
        came = (await api.post("/api/v1/events", json=event)).json()
        path = f"{PATH}/{(await create(api))['id']}/preview"
        shown = (await api.post(path, json={"event": came["id"]})).json()
        assert '"data":{"id":99}' in shown["request"]["body"].replace(" ", "")
        answer = await api.post(path, json={"event": "evt_other"})
        assert answer.status_code == 404

    async def test_a_test_call_tells_what_came_of_it(self, api):
        port = free_port()  # nobody listens there
        made = await create(api, url=f"http://127.0.0.1:{port}/")
        answer = await api.post(f"{PATH}/{made['id']}/test", json={"data": {"x": 1}})
        assert answer.status_code == 200, answer.text
        made = answer.json()
        assert '"x":1' in made["request"]["body"].replace(" ", "")
        assert made["response"] is None
        assert made["outcome"]["passed"] is False
        assert made["outcome"]["error"] == "connection_refused"

    async def test_a_key_makes_so_many_test_calls_and_no_more(self, api, monkeypatch):
        monkeypatch.setattr(trial, "MOST", 2)
        made = await create(api, url=f"http://127.0.0.1:{free_port()}/")
        for status in (200, 200, 429):
            answer = await api.post(f"{PATH}/{made['id']}/test")
            assert answer.status_code == status
        assert answer.json()["error"]["code"] == "too_many"

    async def test_a_webhook_that_nothing_fits_needs_a_type(self, api):
        path = f"{PATH}/{(await create(api, events=['nix.*']))['id']}"
        for verb in ("test", "preview"):
            answer = await api.post(f"{path}/{verb}")
            assert problems(answer) == [("type", "missing")]


async def test_hold_days_come_from_the_settings_where_none_are_named(api):
    assert (await create(api))["hold_days"] == 4
    assert (await create(api, hold_days=0))["hold_days"] == 0
