"""Whatever stands in a body, the answer is a sentence: never a fault of ours, never
late, never long."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from callboard.runtime import Runtime
from tests import make
from tests.cast import Cast
from tests.doors import TYPE, belongings_of, doors

HOSTILE = (
    *("\0", "\ud800", "${", "(((", "x" * 20_000, "0001-01-01T00:00:00+14:00"),
    *("http://[", -1, 2**63, 10**400, 1e308, None, [None], ["\0"], {"\0": "\ud800"}),
)
UNREADABLE = (
    *(b"", b"\xff", b"null", b"[]", b"{", b"[" * 100_000, b'{"a":' * 50_000),
    *(b'{"a": NaN}', b'{"a": 1e400}', b'{"\\ud800": 1}', b"\xef\xbb\xbf{}"),
)
WEBHOOK = {
    "url": "https://r.example/${data.id}?a=b",
    "events": [TYPE, "contact.*"],
    "filter": "role=MEMBER;a(isMain).z=13.*",
    "conditions": {"status": "A", "age:gte": 18, "d:before": "2026-01-01"},
    "context": {
        "filters": [{"tag": "region.3", "includeChildren": True}],
        "exclusions": ["region.5"],
    },
    "sending": {"kinds": ["newsletter"], "modes": ["unitary"]},
    "name": "n",
    "app": "a",
    "method": "POST",
    "payload": {"format": "template", "template": '{"contact": "${data.id}"}'},
    "headers": {"X-A": "b"},
    "auth": {
        "type": "oauth2",
        "token_url": "https://id.example/t",
        "client_id": "a",
        "client_secret": "b",
        "scope": "s",
        "audience": "a",
        "client_auth": "post",
    },
    "signing": {"scheme": "hmac-sha256-hex", "header": "X-S", "secret": "s" * 40},
    "success": [200, 202],
    "retry": {"schedule": [1, 2]},
    "timeout": 3,
    "rate_per_second": 1.5,
    "concurrency": 1,
    "ordered": False,
    "hold_days": 1,
    "deactivate_after": 1,
    "recipients": ["a@b.example"],
    "notify": ["failing"],
}
EVENT = {
    "type": TYPE,
    "data": {"id": 1},
    "id": "k",
    "context": ["region.1"],
    "sending": "unitary",
    "kind": "newsletter",
    "occurred_at": "2026-11-22T00:00:00Z",
}
CHANGE = {
    "group": "g",
    "description": "d",
    "schema": {"type": "object"},
    "sample": {"id": 1},
    "placeholders": {"n": "data.n"},
    "fields": {"a": "relation"},
    "kinds": ["newsletter"],
}
SIGNED = {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,a"}
WHOLE: dict[str, dict[str, Any]] = {
    "EventIn": EVENT,
    "BatchIn": {"events": [EVENT]},
    "SendIn": {"webhook": "wh_1"},
    "EventTypeIn": CHANGE | {"name": "a.b"},
    "EventTypeChangeIn": CHANGE,
    "TreeIn": {"tags": [{"tag": "region.1", "parent": "region.2"}]},
    "WebhookIn": WEBHOOK,
    "WebhookPatch": {"delivery": {"mode": "schedule", "every_minutes": 1}},
    "DefaultsIn": {"hold_days": 3, "deactivate_after": 2, "notify": ["failing"]},
    "ActivateIn": {"held": "deliver"},
    "TestIn": {"type": "nothing.like.this", "data": {"a": 1}},
    "PreviewIn": {"type": TYPE, "event": "evt_1"},
    "RotateIn": {"overlap_hours": 1.5, "secret": None},
    "VerifyIn": {"headers": SIGNED, "body": "b"},
    "ReplayIn": {
        "webhook": "wh_1",
        "states": ["failed"],
        "types": [TYPE],
        "since": "2026-11-22T00:00:00Z",
        "until": "2099-11-22T00:00:00Z",
        "missing": False,
        "rate_per_second": 1,
        "dry_run": True,
    },
}


def spoiled(value: Any) -> Iterator[Any]:
    """The value with something hostile in each of its places, one at a time."""
    yield from HOSTILE
    if isinstance(value, dict):
        for name in value:
            yield from ({**value, name: each} for each in spoiled(value[name]))
    if isinstance(value, list):
        yield from ([each] for each in spoiled(value[0]))


@pytest.mark.timeout(120)
async def test_no_body_makes_a_fault_of_ours(
    app: Litestar, api: httpx.AsyncClient, cast: Cast, runtime: Runtime
):
    things = await belongings_of(cast.alice, runtime)
    faults = []
    for door in (each for each in doors(app) if "takes" in each.opt):
        bodies = (json.dumps(b).encode() for b in spoiled(WHOLE[door.takes]))
        for body in (*UNREADABLE, *bodies):
            path = door.filled(things)
            answer = await api.request(door.method, path, content=body)
            if answer.status_code >= 500:
                faults.append((str(door), answer.status_code, body[:200]))
    assert faults == []


@pytest.mark.parametrize(
    "name", sorted(WHOLE.keys() - {"SendIn", "PreviewIn", "TestIn"})
)
async def test_unspoiled_they_are_good(
    name: str, app: Litestar, api: httpx.AsyncClient, cast: Cast, runtime: Runtime
):
    """Else the spoiled ones would not get far."""
    things = await belongings_of(cast.alice, runtime)
    kind = {"kinds": ["newsletter"]}
    await api.put(f"/api/v1/event-types/{TYPE}", json=kind)
    (door,) = (each for each in doors(app) if each.opt and each.takes == name)
    body = WHOLE[name]
    if "webhook" in body:
        body = body | {"webhook": things["/webhooks"]}
    answer = await api.request(door.method, door.filled(things), json=body)
    assert answer.status_code < 300, answer.text


@pytest.mark.timeout(30, func_only=True)
async def test_a_batch_of_strange_types_is_refused_soon(api, cast: Cast):
    """Looking for near names takes long, so that the first ones alone get some."""
    for n in range(200):
        await make.event_type(cast.alice.account, f"contact.created{n}")
    events = [{"type": f"contact.craeted{n}", "data": {}} for n in range(1000)]
    answer = await api.post("/api/v1/events/batch", json={"events": events})
    problems = answer.json()["error"]["problems"]
    assert len(problems) == 100
    assert sum("Did you mean" in each["message"] for each in problems) == 10


@pytest.mark.timeout(30, func_only=True)
async def test_half_a_million_wrong_fields_are_refused_soon(api):
    event = {f"occured_{n}": 1 for n in range(400_000)}
    answer = await api.post("/api/v1/events/batch", json={"events": [event]})
    assert answer.status_code == 422
    assert len(answer.json()["error"]["problems"]) == 100


@pytest.mark.parametrize(
    "body",
    [
        {"url": "https://r.example/" + "${x" * 300_000, "events": ["*"]},
        {"url": "https://r.example/", "events": ["*"], "method": "x" * 900_000},
    ],
    ids=["placeholders", "no such choice"],
)
async def test_no_refusal_is_much_longer_than_what_is_wrong(api, body):
    answer = await api.post("/api/v1/webhooks", json=body)
    assert answer.status_code == 422
    assert len(answer.content) < 2_000


@pytest.mark.timeout(30, func_only=True)
async def test_a_schema_that_would_keep_us_busy_for_years_is_refused(api):
    """Before its sample is held against it."""
    twice = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    schema = {"$defs": twice | {"d40": False}, "$ref": "#/$defs/d0"}
    new = {"name": "a.b", "schema": schema, "sample": {}}
    answer = await api.post("/api/v1/event-types", json=new)
    (problem,) = answer.json()["error"]["problems"]
    assert problem["code"] == "costly"
