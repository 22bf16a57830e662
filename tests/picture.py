"""Takes the README's picture; `make picture` says where the data may be meanwhile."""

import asyncio
import os
import sys
from pathlib import Path

from playwright.async_api import ViewportSize, async_playwright

from callboard import database
from callboard.accounts import sessions
from callboard.config import Settings
from callboard.runtime import open_runtime
from tests import make
from tests.clock import SkippingClock
from tests.live import serving
from tests.receiver import Receiver
from tests.sample_day import MadeUp, company, pass_day
from tests.servers import chromium_path, running_redis
from web import cookies

SIZE: ViewportSize = {"width": 1200, "height": 800}


async def main(file: Path) -> None:
    with running_redis() as os.environ["REDIS_URL"]:
        token = await sample()
        async with serving("web") as url:
            await take(url, token, file)


async def sample() -> str:
    """Leaves a day behind; for the cookie of who looks at it."""
    await database.migrate()
    async with open_runtime(Settings.read(os.environ)) as opened:
        sender = MadeUp()
        clock = SkippingClock(opened.clock)
        runtime = make.changed(opened, clock=clock, sender=sender)
        engine, ada = await company(runtime, Receiver())
        async with engine.working(places=256):
            await pass_day(engine, sender)
        return await sessions.start(ada, clock())


async def take(url: str, token: str, file: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox"]
        )
        page = await browser.new_page(viewport=SIZE, color_scheme="light")
        await page.context.add_cookies(
            [{"name": cookies.SESSION, "value": token, "url": url}]
        )
        await page.goto(url)
        await page.screenshot(path=file)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
