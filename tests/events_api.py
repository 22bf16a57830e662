"""Sending events over the API."""

from typing import Any

import httpx

BODY = {"type": "contact.created", "data": {"id": 4711}}


async def post(api: httpx.AsyncClient, body: Any, path: str = "") -> httpx.Response:
    return await api.post(f"/api/v1/events{path}", json=body)
