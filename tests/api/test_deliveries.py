"""Reading what happened to events."""

from typing import Any

import httpx
import pytest

from tests import make
from tests.cast import Cast

PATH = "/api/v1/deliveries"
HELD = {"url": "https://r.example/", "events": ["contact.*"], "name": "CRM sync"}


@pytest.fixture
async def webhook(api: httpx.AsyncClient, cast: Cast) -> dict[str, Any]:
    for name in ("contact.created", "order.paid"):
        await make.event_type(cast.alice.account, name)
    answer = await api.post("/api/v1/webhooks", json=HELD | {"state": "active"})
    return answer.json()


async def send(api: httpx.AsyncClient, type: str = "contact.created", **more: Any):
    answer = await api.post("/api/v1/events", json={"type": type, "data": {}} | more)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def test_an_event_shows_its_deliveries_and_why_others_got_nothing(api, webhook):
    other = (await api.post("/api/v1/webhooks", json=HELD | {"name": "Draft"})).json()
    receipt = await send(api, id="a", context=["region.7"])
    shown = (await api.get(f"/api/v1/events/{receipt['id']}")).json()
    assert (shown["key"], shown["type"], shown["data"]) == ("a", "contact.created", {})
    assert shown["context"] == ["region.7"]
    assert [each["webhook"] for each in shown["deliveries"]] == [webhook["id"]]
    (reason,) = shown["not_wanted"]
    assert (reason["webhook"], reason["name"]) == (other["id"], "Draft")
    assert "draft" in reason["why"]


async def test_an_event_that_nobody_wanted_says_why(api, webhook):
    receipt = await send(api, "order.paid")
    assert receipt["deliveries"] == 0
    shown = (await api.get(f"/api/v1/events/{receipt['id']}")).json()
    assert shown["deliveries"] == []
    (reason,) = shown["not_wanted"]
    assert "contact.*" in reason["why"]


async def test_a_delivery_in_full_and_in_a_list(api, webhook):
    receipt = await send(api)
    (line,) = (await api.get(PATH)).json()["items"]
    assert line["id"].startswith("dlv_")
    assert (line["event"], line["webhook"]) == (receipt["id"], webhook["id"])
    assert (line["type"], line["state"]) == ("contact.created", "pending")
    shown = (await api.get(f"{PATH}/{line['id']}")).json()
    assert shown == line | {"attempts": []}


async def test_lists_are_filtered_and_paged(api, webhook):
    sent = [(await send(api))["id"] for _ in range(3)]
    first = (await api.get(PATH, params={"limit": 2})).json()
    rest = (await api.get(PATH, params={"limit": 2, "cursor": first["next"]})).json()
    assert [each["event"] for each in first["items"] + rest["items"]] == sent[::-1]
    assert rest["next"] is None
    long_ago, far_off = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
    for query, count in (
        ({"event": sent[0]}, 1),
        ({"webhook": webhook["id"]}, 3),
        ({"webhook": "wh_other"}, 0),
        ({"state": "pending"}, 3),
        ({"state": "failed"}, 0),
        ({"since": long_ago, "until": far_off}, 3),
        ({"since": far_off}, 0),
        ({"until": long_ago}, 0),
    ):
        answer = await api.get(PATH, params=query)
        assert (len(answer.json()["items"]), query) == (count, query)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=lost", "state"),
        ("since=yesterday", "since"),
        ("since=2026-01-15T10:00:00", "since"),
        ("cursor=x", "cursor"),
        pytest.param("cursor=ZXZ0X3g", "cursor", id="cursor of an event"),
        ("limit=1000", "limit"),
    ],
)
async def test_odd_filters_are_refused_by_name(api, query: str, field: str):
    answer = await api.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert [p["field"] for p in answer.json()["error"]["problems"]] == [field]


async def test_events_are_listed_and_found(api, webhook):
    first = await send(api, id="order-1")
    second = await send(api, "order.paid")
    for query, found in (
        ({}, [second, first]),
        ({"type": "order.paid"}, [second]),
        ({"q": "order-1"}, [first]),
        ({"q": second["id"]}, [second]),
        ({"until": "2020-01-01T00:00:00Z"}, []),
    ):
        items = (await api.get("/api/v1/events", params=query)).json()["items"]
        assert [each["id"] for each in items] == [each["id"] for each in found]


async def test_a_waiting_delivery_can_be_cancelled(api, webhook):
    await send(api)
    (line,) = (await api.get(PATH)).json()["items"]
    answer = await api.post(f"{PATH}/{line['id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert (await api.post(f"{PATH}/{line['id']}/cancel")).status_code == 409


async def test_charlie_finds_nothing_of_ours(api, webhook, cast: Cast):
    receipt = await send(api)
    (line,) = (await api.get(PATH)).json()["items"]
    stranger = cast.charlie.headers
    for path in (PATH, "/api/v1/events"):
        assert (await api.get(path, headers=stranger)).json()["items"] == []
    for method, path in (
        ("GET", f"{PATH}/{line['id']}"),
        ("POST", f"{PATH}/{line['id']}/cancel"),
        ("GET", f"/api/v1/events/{receipt['id']}"),
        ("POST", f"{PATH}/{line['id']}/replay"),
        ("POST", f"/api/v1/events/{receipt['id']}/send"),
    ):
        body = {"webhook": webhook["id"]}
        answer = await api.request(method, path, json=body, headers=stranger)
        assert answer.status_code == 404
    for odd in ("dlv_x", "dlv_zzzzzzzzzzzzzz", "x", "%00"):
        assert (await api.get(f"{PATH}/{odd}")).status_code == 404


async def test_a_finished_delivery_can_be_repeated(api, webhook):
    receipt = await send(api)
    (line,) = (await api.get(PATH)).json()["items"]
    path = f"{PATH}/{line['id']}"
    assert (await api.post(f"{path}/replay")).status_code == 409
    await api.post(f"{path}/cancel")
    answer = await api.post(f"{path}/replay")
    assert answer.status_code == 201
    again = answer.json()
    assert (again["repeats"], again["event"]) == (line["id"], receipt["id"])
    assert (again["state"], again["webhook"]) == ("pending", webhook["id"])


async def test_an_event_can_be_sent_to_one_webhook(api, webhook):
    receipt = await send(api, "order.paid")
    path = f"/api/v1/events/{receipt['id']}/send"
    answer = await api.post(path, json={"webhook": webhook["id"]})
    assert answer.status_code == 201
    assert answer.json()["event"] == receipt["id"]
    assert (await api.post(path, json={"webhook": "wh_no"})).status_code == 404
    assert (await api.post(path, json={})).status_code == 422


async def test_figures_of_the_account_and_of_a_webhook(api, webhook, cast: Cast):
    answer = await api.get("/api/v1/stats")
    assert answer.status_code == 200
    figures = answer.json()
    assert (figures["window"], figures["delivered"]) == ("24h", 0)
    assert len(figures["buckets"]) == 48
    assert figures["success_rate"] is None
    query = {"webhook": webhook["id"], "window": "1h"}
    assert (await api.get("/api/v1/stats", params=query)).status_code == 200
    answer = await api.get("/api/v1/stats", params=query, headers=cast.charlie.headers)
    assert answer.status_code == 404
    assert (await api.get("/api/v1/stats?window=1y")).status_code == 422
