"""A webhook made through the API."""

from typing import Any

import httpx

PATH = "/api/v1/webhooks"
NEW = {"url": "https://r.example/hook", "events": ["contact.created"]}


async def create(api: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await api.post(PATH, json=NEW | more)
    assert answer.status_code == 201, answer.text
    return answer.json()
