"""Webhooks through the API: drafts, changes, states, and problems by name."""

from datetime import datetime, timedelta

import pytest

from callboard.accounts import audit
from tests.api.creating import PATH, create
from tests.problems import told

pytestmark = pytest.mark.usefixtures("contact_created")


class TestCreate:
    async def test_makes_a_draft_and_shows_its_secret_once(self, api, cast):
        made = await create(api)
        assert made["id"].startswith("wh_")
        assert (made["state"], made["held"]) == ("draft", 0)
        assert made["secret"].startswith("whsec_")
        shown = (await api.get(f"{PATH}/{made['id']}")).json()
        assert made.pop("secret") not in str(shown)
        assert shown == made
        assert (await audit.page(cast.alice.account)).items[0].actor == "key tests"

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
        assert told(await api.post(PATH, json=body)) == [
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
        fields = [field for field, _ in told(await api.post(PATH, json=body))]
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
        assert [field for field, _ in told(answer)] == [
            "deactivate_after",
            "notify",
        ]

    async def test_leaves_states_to_their_verbs(self, api):
        path = f"{PATH}/{(await create(api))['id']}"
        body = {"state": "active", "signing": {"scheme": 1}, "url": None, "nix": None}
        assert told(await api.patch(path, json=body)) == [
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
        assert told(answer) == [("held", "type")]

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
        assert told(await api.post(f"{path}/activate")) == [("held", "required")]
        answer = await api.post(f"{path}/activate", json={"held": "deliver"})
        assert answer.json()["state"] == "active"

    async def test_deleting_takes_it_out_of_sight(self, api):
        path = f"{PATH}/{(await create(api))['id']}"
        assert (await api.delete(path)).status_code == 204
        assert (await api.get(path)).status_code == 404
        assert (await api.delete(path)).status_code == 404


async def test_hold_days_come_from_the_settings_where_none_are_named(api):
    assert (await create(api))["hold_days"] == 4
    assert (await create(api, hold_days=0))["hold_days"] == 0
