"""The real thing: a web and a worker process on the database of the test."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from callboard.accounts import accounts, setup
from callboard.config import Settings
from tests import make
from tests.servers import free_port

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Live:
    """`setup` is the path behind the one-time link."""

    url: str
    setup: str


@asynccontextmanager
async def living(settings: Settings, **more: str) -> AsyncIterator[Live]:
    """`more`: of the environment."""
    await accounts.add("Callboard", make.NOW)
    link = await setup.link(settings, make.NOW)
    assert link
    async with serving("web", "workers", **more) as url:
        yield Live(url, link.removeprefix(settings.public_url))


@asynccontextmanager
async def serving(*modules: str, **more: str) -> AsyncIterator[str]:
    """These processes; the address of the web process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {**os.environ, "PORT": str(port), "PUBLIC_URL": url, **more}
    async with AsyncExitStack() as stack:
        for module in modules:
            await stack.enter_async_context(_process(module, environ))
        await _answers(url)
        yield url


@asynccontextmanager
async def _process(module: str, environ: dict[str, str]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, env=environ, cwd=ROOT
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def _answers(url: str) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(60):
        while True:
            try:
                await client.get(f"{url}/healthz")
                return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
