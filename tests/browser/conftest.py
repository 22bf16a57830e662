"""Chromium, and the real thing for it to look at."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright, expect

from callboard.config import Settings
from tests.browser.walk import WITHIN
from tests.live import Live, living
from tests.receiver import Receiver, receiving
from tests.servers import chromium_path

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
expect.set_options(timeout=WITHIN * 1000)


@pytest.fixture
async def live(db: None, settings: Settings) -> AsyncIterator[Live]:
    async with living(settings) as started:
        yield started


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(), args=ARGUMENTS
        )
        yield browser
        await browser.close()
