"""A Redis server behind TLS, with a certificate that it has signed itself."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import arq
import pytest
from redis.exceptions import ConnectionError as NoConnection

from callboard.queue import open_queue
from tests.certificates import issue, shows
from workers.settings import redis_settings


async def test_both_processes_take_its_certificate_if_told_to(
    redis_url: str, tmp_path: Path
):
    context = shows(
        issue("redis", None), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), tmp_path
    )
    async with behind_tls(redis_url, context) as url:
        assert await web_reaches(f"{url}?ssl_cert_reqs=none")
        assert await worker_reaches(f"{url}?ssl_cert_reqs=none")
        assert not await web_reaches(url)
        with pytest.raises(NoConnection):
            await worker_reaches(url)


async def web_reaches(url: str) -> bool:
    queue = open_queue(url)
    try:
        return await queue.ping()
    finally:
        await queue.close()


async def worker_reaches(url: str) -> bool:
    pool = await arq.create_pool(redis_settings(url))
    try:
        return bool(await pool.ping())
    finally:
        await pool.aclose(close_connection_pool=True)


@asynccontextmanager
async def behind_tls(redis_url: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    inner = urlsplit(redis_url).path

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_unix_connection(inner)
        await asyncio.gather(pass_on(reader, there[1]), pass_on(there[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65536):
            writer.write(some)
            await writer.drain()
    writer.close()
