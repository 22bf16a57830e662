"""Lists of webhooks, and who may see and change them."""

from typing import Any

import pytest

from tests.api.creating import NEW, PATH, create
from tests.cast import Cast, person
from tests.problems import told

pytestmark = pytest.mark.usefixtures("contact_created")


async def test_pages_lead_to_all(api):
    made = [(await create(api, name=f"W{i}"))["id"] for i in range(5)]
    seen, page = list[str](), dict[str, Any](next="")
    while page["next"] is not None:
        params = {"limit": 2, "cursor": page["next"]}
        page = (await api.get(PATH, params=params)).json()
        seen += [each["id"] for each in page["items"]]
    assert seen == made[::-1]
    found = (await api.get(PATH, params={"q": "w3"})).json()["items"]
    assert [each["name"] for each in found] == ["W3"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x"])
async def test_odd_pages_are_refused(api, query: str):
    assert told(await api.get(f"{PATH}?{query}"))[0][0] == query.partition("=")[0]


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
