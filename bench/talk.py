"""A call over HTTP, and a question to PostgreSQL."""

import asyncio
import http.client
from collections.abc import Mapping
from typing import Any

import asyncpg


def call(
    port: int,
    method: str,
    path: str,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes | None:
    """None when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, dict(headers or {}))
        return connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def ask(url: str, sql: str) -> Any:
    """One value out of PostgreSQL."""

    async def asked() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(asked())
