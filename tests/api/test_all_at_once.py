"""What has another shape and what breaks a rule is told in one answer."""

from typing import Any

import httpx
import pytest

from tests.api.creating import PATH, create
from tests.engine import Engine
from tests.problems import AFTER, BEFORE, told


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (
            {"events": ["*"], "timeout": 99, "colour": "red"},
            [("colour", "unknown"), ("url", "missing"), ("timeout", "out_of_range")],
        ),
        (
            {"url": "ftp://x", "events": "all", "success": "maybe"},
            [("events", "type"), ("url", "scheme"), ("success", "success")],
        ),
        (
            {"url": "https://r.example/", "events": ["contact.unknown"], "name": 5},
            [("name", "type"), ("events.0", "unknown_type")],
        ),
        (
            {
                "url": "https://r.example/${data.",
                "events": ["*"],
                "payload": {"format": "data", "template": 1},
            },
            [("payload.template", "type"), ("url", "placeholder")],
        ),
        (
            {
                "url": "https://r.example/${data.id}",
                "events": ["*"],
                "delivery": {
                    "mode": "schedule",
                    "every_minutes": 0,
                    "bucket_size": 5,
                },
            },
            [
                ("delivery.every_minutes", "out_of_range"),
                ("delivery.bucket_size", "url"),
            ],
        ),
    ],
)
async def test_a_new_webhook(
    api: httpx.AsyncClient, sent: dict[str, Any], found: list[tuple[str, str]]
):
    assert told(await api.post(PATH, json=sent)) == found


async def test_a_changed_webhook_and_what_is_not_changed_is_not_told_of(
    api: httpx.AsyncClient,
):
    made = await create(api, events=["*"], method="PUT")
    patch = {"method": "FETCH", "hold_days": 99, "state": "active", "ordered": "yes"}
    answer = await api.patch(f"{PATH}/{made['id']}", json=patch)
    assert told(answer) == [
        ("state", "not_by_patch"),
        ("method", "type"),
        ("ordered", "type"),
        ("hold_days", "out_of_range"),
    ]
    assert (await api.get(f"{PATH}/{made['id']}")).json()["method"] == "PUT"


async def test_a_key_that_comes_by_the_wrong_door(api: httpx.AsyncClient):
    made = await create(api, events=["*"])
    patch = {"signing": {"secret": "whsec_" + "A" * 32}, "timeout": 99, "ordered": 1}
    assert told(await api.patch(f"{PATH}/{made['id']}", json=patch)) == [
        ("ordered", "type"),
        ("timeout", "out_of_range"),
        ("signing.secret", "rotate"),
    ]


@pytest.mark.parametrize("verb", ["test", "preview"])
async def test_a_trial(api: httpx.AsyncClient, verb: str):
    made = await create(api, events=["*"])
    sent = {"type": "contact.unknown", "colour": "red"}
    assert told(await api.post(f"{PATH}/{made['id']}/{verb}", json=sent)) == [
        ("colour", "unknown"),
        ("type", "unknown_type"),
    ]


@pytest.mark.parametrize(
    ("method", "path", "sent", "found"),
    [
        (
            "POST",
            "/api/v1/event-types",
            {"name": "no name", "group": 1, "kinds": ["x"], "sample": "s" * 300_000},
            [("group", "type"), ("name", "name"), ("sample", "too_long")],
        ),
        (
            "PUT",
            "/api/v1/event-types/contact.created",
            {"name": "contact.other", "description": []},
            [("description", "type"), ("name", "changed")],
        ),
        (
            "PUT",
            "/api/v1/defaults",
            {"hold_days": 99, "notify": "failing"},
            [("notify", "type"), ("hold_days", "out_of_range")],
        ),
        (
            "POST",
            "/api/v1/replays",
            {"states": ["held"], "since": "yesterday", "rate_per_second": 0},
            [
                ("webhook", "missing"),
                ("since", "type"),
                ("states.0", "not_replayable"),
                ("rate_per_second", "out_of_range"),
            ],
        ),
        (
            "POST",
            "/api/v1/events",
            {"type": "contact.unknown", "id": "", "kind": 5, "colour": "red"},
            [
                ("colour", "unknown"),
                ("data", "missing"),
                ("kind", "type"),
                ("type", "unknown_type"),
                ("id", "length"),
            ],
        ),
        (
            "POST",
            "/api/v1/events",
            {"data": {}, "id": "x" * 300, "occurred_at": "2026-01-01T00:00:00"},
            [("type", "missing"), ("occurred_at", "type"), ("id", "length")],
        ),
        (
            "POST",
            "/api/v1/events/batch",
            {
                "events": [
                    {"type": "contact.unknown", "data": {}, "id": 5},
                    {"data": {}, "kind": "k" * 81},
                    "an event",
                    {"type": "contact.unknown", "data": {}},
                ],
                "colour": "red",
            },
            [
                ("colour", "unknown"),
                ("events[0].id", "type"),
                ("events[1].type", "missing"),
                ("events[2]", "type"),
                ("events[0].type", "unknown_type"),
                ("events[1].kind", "length"),
                ("events[3].type", "unknown_type"),
            ],
        ),
        (
            "POST",
            "/api/v1/events/batch",
            {"events": [{"type": "contact.unknown", "data": {}, "id": 5}]},
            [("events[0].id", "type"), ("events[0].type", "unknown_type")],
        ),
        (
            "POST",
            "/api/v1/events/batch",
            {"events": [], "colour": "red"},
            [("colour", "unknown"), ("events", "length")],
        ),
        (
            "POST",
            "/api/v1/replays",
            {"webhook": "wh_no", "since": BEFORE, "until": AFTER, "states": ["held"]},
            [
                ("webhook", "unknown"),
                ("states.0", "not_replayable"),
                ("since", "out_of_range"),
                ("until", "out_of_range"),
            ],
        ),
        (
            "POST",
            "/api/v1/events",
            {"type": "contact.unknown", "data": {}, "id": "", "occurred_at": BEFORE},
            [
                ("type", "unknown_type"),
                ("id", "length"),
                ("occurred_at", "out_of_range"),
            ],
        ),
        (
            "POST",
            "/api/v1/events",
            {"type": "contact.unknown", "data": {}, "kind": 5, "occurred_at": AFTER},
            [
                ("kind", "type"),
                ("type", "unknown_type"),
                ("occurred_at", "out_of_range"),
            ],
        ),
        (
            "POST",
            "/api/v1/events/batch",
            {"events": [{"type": "contact.unknown", "data": 1, "occurred_at": AFTER}]},
            [
                ("events[0].type", "unknown_type"),
                ("events[0].occurred_at", "out_of_range"),
            ],
        ),
        (
            "POST",
            "/api/v1/events/batch",
            {
                "events": [
                    {"type": "contact.unknown", "data": {}, "occurred_at": BEFORE},
                    {"type": "contact.unknown", "data": {}, "occurred_at": AFTER},
                ],
                "colour": "red",
            },
            [
                ("colour", "unknown"),
                ("events[0].type", "unknown_type"),
                ("events[0].occurred_at", "out_of_range"),
                ("events[1].type", "unknown_type"),
                ("events[1].occurred_at", "out_of_range"),
            ],
        ),
        (
            "PUT",
            "/api/v1/contexts",
            {"tags": [{"tag": 1}, {"tag": "a", "parent": "a"}, {"parent": "b c"}, 2]},
            [
                ("tags[0].tag", "type"),
                ("tags[2].tag", "missing"),
                ("tags[3]", "type"),
                ("tags.2.parent", "tag"),
                ("tags.1.parent", "circle"),
            ],
        ),
    ],
)
async def test_everything_else_that_has_rules(
    api: httpx.AsyncClient,
    method: str,
    path: str,
    sent: dict[str, Any],
    found: list[tuple[str, str]],
):
    assert told(await api.request(method, path, json=sent)) == found


async def test_a_new_key(api: httpx.AsyncClient):
    made = await create(api, events=["*"])
    sent = {"overlap_hours": 721, "secret": "short", "hours": 3}
    path = f"{PATH}/{made['id']}/keys/rotate"
    assert told(await api.post(path, json=sent)) == [
        ("hours", "unknown"),
        ("secret", "prefix"),
        ("overlap_hours", "out_of_range"),
    ]


async def test_a_field_with_a_name_like_a_place(api: httpx.AsyncClient):
    sent = {"type": "contact.unknown", "data": {}, "a.b": 1}
    assert told(await api.post("/api/v1/events", json=sent)) == [
        ("a.b", "unknown"),
        ("type", "unknown_type"),
    ]


async def test_so_many_problems_that_not_all_are_told(api: httpx.AsyncClient):
    sent = {f"field{number}": 1 for number in range(101)} | {"kind": 5}
    found = told(await api.post("/api/v1/events", json=sent))
    assert {code for _, code in found} == {"unknown"}
    assert len(found) == 100


async def test_the_message_names_the_fields_too(api: httpx.AsyncClient):
    sent = {"url": "https://r.example/", "events": ["*"], "ordered": 1, "timeout": 99}
    error = (await api.post(PATH, json=sent)).json()["error"]
    assert error["message"] == (
        "ordered: Give true or false, not a whole number."
        " timeout: Give 1 to 20 whole seconds."
    )


async def test_nothing_is_made_of_what_is_left(api: httpx.AsyncClient, engine: Engine):
    good = {"url": "https://r.example/", "events": ["*"]}
    assert (await api.post(PATH, json=good | {"timeout": "9"})).status_code == 422
    assert (await api.get(PATH)).json()["items"] == []
