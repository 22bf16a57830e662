"""Filters of webhooks, from the setting to what goes out, over the API."""

from typing import Any

import pytest

from callboard.delivery.tables import Delivery
from tests import make
from tests.cast import Cast

TYPE = "contact.created"
MEMBER = {
    "role": "MEMBER",
    "addresses": [
        {"main": False, "zipCode": "75001"},
        {"main": True, "zipCode": "13002"},
    ],
}
FILTERS: dict[str, Any] = {
    "filter": "role=MEMBER;addresses(isMain).zipCode=13.*",
    "conditions": {"status": "ACTIVE", "lastName:isnotnull": ""},
    "context": {
        "filters": [{"tag": "region.3", "includeChildren": True}],
        "exclusions": ["region.5"],
    },
    "sending": {"kinds": ["newsletter"], "modes": ["unitary"]},
}


@pytest.fixture(autouse=True)
async def catalogue(cast: Cast) -> None:
    await make.event_type(cast.alice.account, TYPE)


async def webhook(api, **settings: Any) -> str:
    wanted = {"url": "https://r.example/", "events": [TYPE], "state": "active"}
    answer = await api.post("/api/v1/webhooks", json=wanted | settings)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def post(api, data: Any, **more: Any) -> str:
    body = {"type": TYPE, "data": data} | more
    answer = await api.post("/api/v1/events", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def told(api, event: str) -> tuple[set[str], dict[str, str]]:
    """The webhooks that it went to, and why not to the others."""
    found = (await api.get(f"/api/v1/events/{event}")).json()
    passed = {each["webhook"]: each["why"] for each in found["not_wanted"]}
    return {each["webhook"] for each in found["deliveries"]}, passed


async def test_an_event_goes_only_to_those_whose_filters_let_it_pass(api):
    plain = await webhook(api)
    member = await webhook(api, filter=FILTERS["filter"])
    adult = await webhook(api, conditions={"age:gte": 18})
    region = await webhook(api, context=FILTERS["context"])
    letter = await webhook(api, sending={"modes": ["unitary"]})

    event = await post(api, MEMBER | {"age": 17}, sending="batch")
    found = (await api.get(f"/api/v1/events/{event}")).json()
    reasons = {each["webhook"]: each["why"] for each in found["deliveries"]}
    assert reasons[member] == (
        f"It listens to {TYPE}. It passes its filter: role is MEMBER and"
        " addresses(isMain).zipCode is 13002."
    )
    went, why = await told(api, event)
    assert went == {plain, member}
    assert why == {
        adult: "Stopped by its conditions: age is 17, not at least 18.",
        region: "Stopped by its context: it has no context tag, and only region.3"
        " with all below it is wanted.",
        letter: "Stopped by its message filter: its sending is batch, not unitary.",
    }

    moved = {"role": "MEMBER", "addresses": [{"main": True, "zipCode": "69001"}]}
    went, why = await told(api, await post(api, moved, context=["region.3"]))
    assert went == {plain, region, letter}
    assert why[member] == (
        "Stopped by its filter: addresses(isMain).zipCode is 69001, not 13.*."
    )


async def test_the_receipt_counts_only_those_who_want_it(api):
    await webhook(api)
    await webhook(api, filter="role=MEMBER")
    events = [{"type": TYPE, "data": {"role": role}} for role in ("MEMBER", "PUBLIC")]
    answer = await api.post("/api/v1/events/batch", json={"events": events})
    assert [each["deliveries"] for each in answer.json()["events"]] == [2, 1]
    assert await Delivery.count() == 3


async def test_the_next_event_follows_a_change_at_once(api):
    id = await webhook(api, filter="role=MEMBER")
    assert (await told(api, await post(api, {"role": "PUBLIC"})))[0] == set()
    change = {"filter": "role=(MEMBER|PUBLIC)"}
    await api.patch(f"/api/v1/webhooks/{id}", json=change)
    assert (await told(api, await post(api, {"role": "PUBLIC"})))[0] == {id}


async def test_the_next_event_follows_a_change_of_the_tree(api):
    id = await webhook(api, context=FILTERS["context"])
    assert (await told(api, await post(api, {}, context=["region.7"])))[0] == set()
    tree = {"tags": [{"tag": "region.7", "parent": "region.3"}]}
    answer = await api.put("/api/v1/contexts", json=tree)
    assert answer.status_code == 200
    event = await post(api, {}, context=["region.7"])
    assert (await told(api, event))[0] == {id}
    await api.put("/api/v1/contexts", json={"tags": []})
    assert (await told(api, await post(api, {}, context=["region.7"])))[0] == set()


async def test_an_event_that_came_before_a_change_says_so(api):
    id = await webhook(api, filter="role=MEMBER")
    event = await post(api, {"role": "PUBLIC"})
    await api.patch(f"/api/v1/webhooks/{id}", json={"filter": "role=P.*"})
    _, why = await told(api, event)
    assert why[id].endswith("Its settings have changed since the event came.")


async def test_settings_come_back_as_they_were_sent(api):
    id = await webhook(api, **FILTERS)
    found = (await api.get(f"/api/v1/webhooks/{id}")).json()
    assert {name: found[name] for name in FILTERS} == FILTERS


async def test_a_merge_patch_reaches_into_them(api):
    id = await webhook(api, **FILTERS)
    change = {
        "conditions": {"status": None, "age:gte": 18},
        "context": {"exclusions": None},
        "sending": None,
        "filter": None,
    }
    found = (await api.patch(f"/api/v1/webhooks/{id}", json=change)).json()
    assert found["conditions"] == {"lastName:isnotnull": "", "age:gte": 18}
    assert found["context"] == {
        "filters": FILTERS["context"]["filters"],
        "exclusions": [],
    }
    assert found["sending"] == {"kinds": [], "modes": []}
    assert found["filter"] == ""


async def test_every_problem_is_told_at_once_with_its_place(api):
    wrong = {
        "url": "https://r.example/",
        "events": [TYPE],
        "filter": "role=MEMBER;addresses(isMain.zipCode=1",
        "conditions": {"age:gtx": 1},
        "context": {"exclusions": ["a b"]},
        "sending": {"modes": ["all"]},
    }
    answer = await api.post("/api/v1/webhooks", json=wrong)
    assert answer.status_code == 422
    problems = answer.json()["error"]["problems"]
    assert [each["field"] for each in problems] == [
        "filter",
        "conditions.age:gtx",
        "context.exclusions.0",
        "sending.modes.0",
    ]
    assert problems[0]["message"] == "Expected ) at 29."
    assert problems[0]["position"] == 29


async def test_a_preview_says_whether_an_event_would_pass(api):
    id = await webhook(api, filter="role=MEMBER")
    event = await post(api, {"role": "PUBLIC"})
    path = f"/api/v1/webhooks/{id}/preview"
    found = (await api.post(path, json={"event": event})).json()
    assert (found["passes"], found["why"]) == (
        False,
        "Stopped by its filter: role is PUBLIC, not MEMBER.",
    )
    event = await post(api, {"role": "MEMBER"})
    found = (await api.post(path, json={"event": event})).json()
    assert found["passes"]
    assert found["why"].endswith("It passes its filter: role is MEMBER.")


class TestTheTree:
    async def test_comes_back_as_a_whole(self, api):
        tree = {
            "tags": [
                {"tag": "region.3", "parent": None},
                {"tag": "region.7", "parent": "region.3"},
            ]
        }
        assert (await api.put("/api/v1/contexts", json=tree)).json() == tree
        assert (await api.get("/api/v1/contexts")).json() == tree

    async def test_is_refused_with_every_problem(self, api):
        tags = [{"tag": "a", "parent": "b"}, {"tag": "b", "parent": "a"}, {"tag": ""}]
        answer = await api.put("/api/v1/contexts", json={"tags": tags})
        assert answer.status_code == 422
        found = answer.json()["error"]["problems"]
        assert [(each["field"], each["code"]) for each in found] == [
            ("tags.2.tag", "tag"),
            ("tags.0.parent", "circle"),
            ("tags.1.parent", "circle"),
        ]
        assert (await api.get("/api/v1/contexts")).json() == {"tags": []}

    async def test_is_nobody_elses(self, api, cast: Cast):
        await api.put("/api/v1/contexts", json={"tags": [{"tag": "region.3"}]})
        theirs = await api.get("/api/v1/contexts", headers=cast.charlie.headers)
        assert theirs.json() == {"tags": []}


async def test_an_event_type_names_the_kinds_of_its_messages(api):
    new = {"name": "message.bounced", "kinds": ["newsletter", "survey"]}
    answer = await api.post("/api/v1/event-types", json=new)
    assert answer.json()["kinds"] == ["newsletter", "survey"]
    answer = await api.put("/api/v1/event-types/message.bounced", json={"kinds": [""]})
    assert answer.json()["error"]["problems"][0]["field"] == "kinds.0"
