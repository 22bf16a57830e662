"""Who asks for a list hears of all that is wrong with the question at once."""

import httpx
import pytest

from tests.problems import AFTER, BEFORE, told

WITHOUT_ZONE = "2026-01-15T10:00:00"
ODD_PAGE = {"cursor": "x", "limit": "101"}
ODD_PAGE_TOLD = [("cursor", "cursor"), ("limit", "out_of_range")]


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        (
            "deliveries",
            ODD_PAGE | {"state": "lost", "since": WITHOUT_ZONE, "until": BEFORE},
            [
                *ODD_PAGE_TOLD,
                ("since", "zone"),
                ("until", "out_of_range"),
                ("state", "unknown"),
            ],
        ),
        (
            "deliveries",
            {"limit": "many", "state": "", "since": AFTER, "until": "yesterday"},
            [
                ("limit", "type"),
                ("until", "type"),
                ("since", "out_of_range"),
                ("state", "unknown"),
            ],
        ),
        (
            "events",
            ODD_PAGE | {"since": WITHOUT_ZONE, "until": WITHOUT_ZONE, "type": "any"},
            [*ODD_PAGE_TOLD, ("since", "zone"), ("until", "zone")],
        ),
        (
            "events",
            {"limit": "1.5", "cursor": "x"},
            [("limit", "type"), ("cursor", "cursor")],
        ),
        ("replays", ODD_PAGE | {"webhook": "wh_no"}, ODD_PAGE_TOLD),
        ("webhooks", ODD_PAGE | {"q": "crm"}, ODD_PAGE_TOLD),
        ("event-types", ODD_PAGE | {"q": "crm"}, ODD_PAGE_TOLD),
    ],
)
async def test_what_a_list_is_asked_for(
    api: httpx.AsyncClient,
    path: str,
    query: dict[str, str],
    found: list[tuple[str, str]],
):
    assert told(await api.get(f"/api/v1/{path}", params=query)) == found


@pytest.mark.parametrize(
    "path", ["deliveries", "events", "replays", "webhooks", "event-types"]
)
async def test_what_no_list_knows_is_passed_over(api: httpx.AsyncClient, path: str):
    query = "limit=x&limit=1&cursor=&_=4711"
    answer = await api.get(f"/api/v1/{path}?{query}")
    assert answer.status_code == 200, answer.text
