"""A value of another kind than was asked for: what to send instead, in words."""

from typing import Any

import httpx
import pytest

from tests.engine import Engine

NEW: dict[str, Any] = {"url": "https://r.example/", "events": ["*"]}


@pytest.mark.parametrize(
    ("sent", "field", "said"),
    [
        ({"url": 5}, "url", "Give a text, not a whole number."),
        ({"timeout": "9"}, "timeout", "Give a whole number, not a text."),
        ({"timeout": 1.5}, "timeout", "Give a whole number, not a number."),
        ({"ordered": "yes"}, "ordered", "Give true or false, not a text."),
        ({"events": "*"}, "events", "Give a list, not a text."),
        ({"events": [1]}, "events[0]", "Give a text, not a whole number."),
        ({"headers": []}, "headers", "Give an object, not a list."),
        (
            {"deactivate_after": []},
            "deactivate_after",
            "Give a whole number or null, not a list.",
        ),
        ({"method": "FETCH"}, "method", "Choose from GET, POST, PUT, PATCH, DELETE."),
        (
            {"delivery": {"mode": "x"}},
            "delivery.mode",
            "Choose from immediate, schedule.",
        ),
        (
            {"context": {"filters": [{}]}},
            "context.filters[0].tag",
            "Send tag, too.",
        ),
    ],
)
async def test_a_body_is_told_field_by_field(
    api: httpx.AsyncClient, sent: dict[str, Any], field: str, said: str
):
    answer = await api.post("/api/v1/webhooks", json=NEW | sent)
    assert answer.status_code == 422
    (problem,) = answer.json()["error"]["problems"]
    assert (problem["field"], problem["message"]) == (field, said)


async def test_a_time_needs_its_zone(api: httpx.AsyncClient):
    sent = {"webhook": "wh_no", "since": "2026-01-31T12:00:00"}
    error = (await api.post("/api/v1/replays", json=sent)).json()["error"]
    said = {each["field"]: each["message"] for each in error["problems"]}
    assert said["since"] == "Say in which zone, as in 2026-01-31T12:00:00Z."


async def test_a_query_is_told_like_a_body(api: httpx.AsyncClient, engine: Engine):
    answer = await api.get("/api/v1/deliveries?since=yesterday&limit=many")
    assert answer.status_code == 422
    error = answer.json()["error"]
    time = "Give a time such as 2026-01-31T12:00:00Z."
    number = "Give a whole number, not a text."
    assert {each["field"]: each["message"] for each in error["problems"]} == {
        "since": time,
        "limit": number,
    }
    assert time in error["message"]
    assert number in error["message"]
