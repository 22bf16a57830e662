"""Replays through the API: what is asked for, what is answered, who may."""

from typing import Any

import httpx
import pytest

from tests import make
from tests.cast import Cast, person

PATH = "/api/v1/replays"
HOOK = {"url": "https://r.example/", "events": ["contact.*"], "state": "active"}


@pytest.fixture
async def webhook(api: httpx.AsyncClient, cast: Cast) -> str:
    """With three deliveries that a person has cancelled."""
    await make.event_type(cast.alice.account, "contact.created")
    id = (await api.post("/api/v1/webhooks", json=HOOK)).json()["id"]
    event = {"type": "contact.created", "data": {}}
    await api.post("/api/v1/events/batch", json={"events": [event] * 3})
    for line in (await api.get("/api/v1/deliveries")).json()["items"]:
        await api.post(f"/api/v1/deliveries/{line['id']}/cancel")
    return id


async def start(api: httpx.AsyncClient, webhook: str, **more: Any) -> dict[str, Any]:
    answer = await api.post(PATH, json={"webhook": webhook} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_dry_run_counts_and_starts_nothing(api, webhook):
    asked = {"webhook": webhook, "states": ["cancelled"], "dry_run": True}
    answer = await api.post(PATH, json=asked)
    assert answer.status_code == 200
    assert answer.json()["count"] == 3
    (line, *_) = (await api.get("/api/v1/deliveries")).json()["items"][::-1]
    assert answer.json()["samples"][0] == {
        "event": line["event"],
        "type": "contact.created",
        "accepted_at": line["created_at"],
        "delivery": line["id"],
        "state": "cancelled",
    }
    none = await api.post(PATH, json=asked | {"states": ["failed"]})
    assert none.json() == {"count": 0, "samples": []}
    assert (await api.get(PATH)).json()["items"] == []


async def test_one_is_started_shown_and_listed(api, webhook):
    made = await start(api, webhook, types=["contact.*"], rate_per_second=5)
    assert made["id"].startswith("rpl_")
    assert made["selection"] == {
        "states": ["delivered", "failed", "expired", "cancelled"],
        "types": ["contact.*"],
        "since": None,
        "until": None,
        "missing": False,
    }
    assert (made["state"], made["total"], made["made"], made["done"]) == (
        *("running", 3),
        *(0, 0),
    )
    assert (made["webhook"], made["rate_per_second"]) == (webhook, 5)
    assert (await api.get(f"{PATH}/{made['id']}")).json() == made
    assert (await api.get(PATH)).json() == {"items": [made], "next": None}
    assert (await api.get(f"{PATH}?webhook=wh_x")).json()["items"] == []


async def test_it_is_paused_resumed_and_cancelled(api, webhook):
    path = f"{PATH}/{(await start(api, webhook))['id']}"
    for act, state in (
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "running"),
        ("resume", "running"),
        ("pause", "paused"),
        ("cancel", "cancelled"),
        ("cancel", "cancelled"),
    ):
        answer = await api.post(f"{path}/{act}")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    for act in ("pause", "resume"):
        assert (await api.post(f"{path}/{act}")).status_code == 409
    assert (await api.get(path)).json()["finished_at"]


async def test_a_second_one_to_the_webhook_waits_for_the_first(api, webhook):
    first = await start(api, webhook)
    answer = await api.post(PATH, json={"webhook": webhook})
    assert answer.status_code == 409
    assert first["id"] in answer.json()["error"]["message"]
    await api.post(f"{PATH}/{first['id']}/cancel")
    await start(api, webhook)


async def test_everything_wrong_is_told_at_once(api, webhook):
    await api.post(f"/api/v1/webhooks/{webhook}/pause")
    for body, fields in (
        (
            {"webhook": webhook, "states": ["held"], "types": ["nix"]},
            ["webhook", "states.0", "types.0"],
        ),
        ({"webhook": "wh_no", "since": "2020-01-01T00:00:00Z"}, ["webhook", "since"]),
        ({"states": "failed", "until": "soon"}, ["webhook", "states", "until"]),
        ({"webhook": webhook, "dry": True}, ["dry", "webhook"]),
        ({"webhook": webhook, "since": "2026-01-15T10:00:00"}, ["since", "webhook"]),
    ):
        for dry in (False, True):
            answer = await api.post(PATH, json=body | {"dry_run": dry})
            assert answer.status_code == 422, answer.text
            problems = answer.json()["error"]["problems"]
            assert [p["field"] for p in problems] == fields


async def test_that_nothing_matches_is_said(api, webhook):
    answer = await api.post(PATH, json={"webhook": webhook, "states": ["failed"]})
    assert answer.status_code == 422
    assert answer.json()["error"]["problems"][0]["code"] == "empty"


async def test_lists_go_on(api, webhook):
    made = []
    for _ in range(3):
        made.append((await start(api, webhook))["id"])
        await api.post(f"{PATH}/{made[-1]}/cancel")
    first = (await api.get(PATH, params={"limit": 2})).json()
    rest = (await api.get(PATH, params={"limit": 2, "cursor": first["next"]})).json()
    found = [each["id"] for each in first["items"] + rest["items"]]
    assert (found, rest["next"]) == (made[::-1], None)
    assert (await api.get(f"{PATH}?limit=101")).status_code == 422


async def test_charlie_the_stranger_finds_nothing(api, webhook, cast: Cast):
    replay = await start(api, webhook)
    stranger = cast.charlie.headers
    assert (await api.get(PATH, headers=stranger)).json()["items"] == []
    path = f"{PATH}/{replay['id']}"
    assert (await api.get(path, headers=stranger)).status_code == 404
    for act in ("pause", "resume", "cancel"):
        answer = await api.post(f"{path}/{act}", headers=stranger)
        assert answer.status_code == 404
    for dry in (False, True):
        body = {"webhook": webhook, "dry_run": dry}
        answer = await api.post(PATH, json=body, headers=stranger)
        assert answer.status_code == 422
        assert answer.json()["error"]["problems"][0]["code"] == "unknown"
    assert (await api.get(f"{PATH}/rpl_no")).status_code == 404


async def test_a_key_that_only_reads_starts_nothing(api, webhook, cast: Cast):
    reader = await person(cast.alice.account, "r@acme.example", "member", "read")
    assert (await api.get(PATH, headers=reader.headers)).status_code == 200
    body = {"webhook": webhook}
    answer = await api.post(PATH, json=body, headers=reader.headers)
    assert answer.status_code == 403


async def test_the_description_knows_them(api):
    paths = (await api.get("/api/schema")).json()["paths"]
    assert "requestBody" in paths["/api/v1/replays"]["post"]
