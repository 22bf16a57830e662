"""What is alice's stays hers, whichever of her ids charlie writes where."""

from typing import Any

import httpx
import pytest

from callboard.runtime import Runtime
from tests import make
from tests.cast import Cast
from tests.doors import TYPE, active_webhook, belongings_of

CANARY = "canary-of-alice"


@pytest.fixture
async def hers(api: httpx.AsyncClient, cast: Cast, runtime: Runtime) -> dict[str, str]:
    """One of each of her things; an event's key, data and tag sing."""
    things = await belongings_of(cast.alice, runtime)
    event = {"type": TYPE, "id": "k", "data": {"a": CANARY}, "context": [CANARY]}
    receipt = (await api.post("/api/v1/events", json=event)).json()
    tags = {"tags": [{"tag": CANARY, "parent": None}]}
    await api.put("/api/v1/contexts", json=tags)
    new = {"url": f"https://{CANARY}.example/", "events": ["*"], "state": "active"}
    webhook = (await api.post("/api/v1/webhooks", json=new)).json()["id"]
    assert CANARY in (await api.get("/api/v1/webhooks")).text
    assert CANARY in (await api.get(f"/api/v1/events/{receipt['id']}")).text
    found = {start.strip("/"): id for start, id in things.items()}
    return found | {
        "event": receipt["id"],
        "webhook": webhook,
        "member": cast.alice.member.id,
        "cursor": (await api.get("/api/v1/events?limit=1")).json()["next"],
    }


@pytest.fixture
async def charlie(
    client: httpx.AsyncClient, cast: Cast, runtime: Runtime, hers: dict[str, str]
) -> httpx.AsyncClient:
    """With one webhook and one event of his own, of the same type and key."""
    await make.event_type(cast.charlie.account, TYPE)
    client.headers.update(cast.charlie.headers)
    hers["own"] = await active_webhook(cast.charlie, runtime)
    event = {"type": TYPE, "id": "k", "data": {"a": "his"}}
    receipt = await client.post("/api/v1/events", json=event)
    assert receipt.status_code == 202
    assert not receipt.json()["duplicate"]
    hers["own event"] = receipt.json()["id"]
    return client


@pytest.mark.parametrize(
    "query",
    [
        *("events?cursor={cursor}", "events?q={event}", "events?q=" + CANARY),
        *("deliveries?webhook={webhook}", "deliveries?event={event}"),
        *("deliveries?cursor={cursor}", "replays?webhook={webhooks}"),
        *("replays?cursor={cursor}", "webhooks?cursor={cursor}", "webhooks?q=canary"),
        *("event-types?q=canary", "stats?webhook={webhook}", "contexts"),
    ],
)
async def test_no_list_shows_what_is_hers(
    charlie: httpx.AsyncClient, hers: dict[str, str], query: str
):
    answer = await charlie.get("/api/v1/" + query.format(**hers))
    assert answer.status_code in (200, 404, 422), answer.text
    theirs = {hers[each] for each in ("event", "webhook", "webhooks", "deliveries")}
    assert CANARY not in answer.text
    assert not any(f'"{id}"' in answer.text for id in theirs)


BODIES: list[tuple[str, dict[str, Any], int]] = [
    ("replays", {"webhook": "{webhook}"}, 422),
    ("replays", {"webhook": "{webhook}", "missing": True, "dry_run": True}, 422),
    ("events/{own event}/send", {"webhook": "{webhook}"}, 404),
    ("webhooks/{own}/preview", {"event": "{event}"}, 404),
]


@pytest.mark.parametrize(("path", "body", "status"), BODIES)
async def test_no_body_reaches_what_is_hers(
    charlie: httpx.AsyncClient,
    hers: dict[str, str],
    path: str,
    body: dict[str, Any],
    status: int,
):
    filled = {
        name: value.format(**hers) if isinstance(value, str) else value
        for name, value in body.items()
    }
    answer = await charlie.post("/api/v1/" + path.format(**hers), json=filled)
    assert answer.status_code == status, answer.text
    assert CANARY not in answer.text


async def test_her_members_hear_nothing_of_his_webhooks(
    charlie: httpx.AsyncClient, hers: dict[str, str]
):
    mine = f"/api/v1/webhooks/{hers['own']}"
    for path in (mine, "/api/v1/defaults"):
        change = {"recipients": [hers["member"]]}
        verb = charlie.patch if path == mine else charlie.put
        answer = await verb(path, json=change)
        assert answer.status_code == 422, answer.text
        (problem,) = answer.json()["error"]["problems"]
        assert problem["field"] == "recipients.0"


async def test_a_sample_is_made_of_his_own_catalogue(
    charlie: httpx.AsyncClient, hers: dict[str, str], cast: Cast
):
    await make.event_type(cast.alice.account, "canary.sung")
    path = f"/api/v1/webhooks/{hers['own']}"
    for verb in ("test", "preview"):
        answer = await charlie.post(f"{path}/{verb}", json={"type": "canary.sung"})
        assert answer.status_code == 422
    assert (await charlie.get("/api/v1/event-types/canary.sung")).status_code == 404


async def test_his_tags_and_keys_are_apart_from_hers(
    charlie: httpx.AsyncClient, hers: dict[str, str], cast: Cast
):
    again = {"type": TYPE, "id": "k", "data": {"a": "his"}}
    receipt = (await charlie.post("/api/v1/events", json=again)).json()
    assert (receipt["id"], receipt["duplicate"]) == (hers["own event"], True)
    await charlie.put("/api/v1/contexts", json={"tags": []})
    theirs = await charlie.get("/api/v1/contexts", headers=cast.alice.headers)
    assert CANARY in theirs.text
