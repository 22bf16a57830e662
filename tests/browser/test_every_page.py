"""Every page fits a phone, and none makes the browser complain."""

import re

import pytest
from playwright.async_api import Browser

from tests.browser.walk import TYPE, Walk
from tests.live import Live
from tests.receiver import Answer, Receiver

pytestmark = pytest.mark.once

PAGES = [
    *(
        "/",
        "/webhooks",
        "/webhooks/new",
        "/events",
        "/deliveries",
        "/deliveries?live=1",
    ),
    *("/catalogue", "/catalogue/new", f"/catalogue/{TYPE}", f"/catalogue/{TYPE}/edit"),
    *(f"/catalogue/{TYPE}/delete", "/settings/members", "/settings/keys"),
    *("/settings/sessions", "/settings/outbox", "/deliveries?state=expired"),
    *("/replays", "/replays/new", "/contexts", "/settings/audit"),
]
TABS = ("", "?tab=test", "?tab=settings", "?tab=keys", "?tab=people")
# Where one is, among tabs and such.
CUT = """[...document.querySelectorAll("main [aria-current]")]
    .filter((el) => el.getBoundingClientRect().right > innerWidth)
    .map((el) => el.textContent)"""
CHOICES = ("/edit", "/activate", "/deactivate", "/delete")


async def test_every_page_fits_a_phone_and_leaves_the_console_quiet(
    live: Live, chromium: Browser, receiver: Receiver
) -> None:
    page = await chromium.new_page(viewport={"width": 1440, "height": 900})
    walk = Walk(page, live)
    paths = await _populated(walk, receiver)
    for path in paths:
        await page.set_viewport_size({"width": 1440, "height": 900})
        await walk.go(path)
        await _fits(walk, path)
        await page.set_viewport_size({"width": 360, "height": 740})
        await _fits(walk, path)
    await walk.press_sign_out()
    for path in ("/login", "/login/forgotten", "/login/forgotten?asked=true"):
        await walk.go(path)
        await _fits(walk, path)
    assert walk.troubles == []


async def _fits(walk: Walk, path: str) -> None:
    root = "document.documentElement"
    wide = await walk.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
    assert wide <= 0, f"{path} is {wide} px too wide"
    cut = await walk.page.evaluate(CUT)
    assert cut == [], f"on {path} these are cut off"


async def _populated(walk: Walk, receiver: Receiver) -> list[str]:
    """Something good, something failing, with long words; the pages that show them."""
    long = "x" * 200
    receiver.usually[f"/{long}"] = Answer(
        503, (("X-Long", "y" * 300),), b'{"why": "' + b"z" * 300 + b'"}'
    )
    await walk.set_up()
    await walk.install_catalogue()
    key = await walk.make_key()
    await walk.fill_in(f"{receiver.url}/{long}")
    await walk.press("Save as draft")
    await walk.press("Activate")
    webhook = re.findall(r"/webhooks/wh_\w+", walk.page.url)[0]
    event = await walk.send_event(key)
    await receiver.got(1, f"/{long}")
    await walk.go("/deliveries")
    link = walk.page.locator("#deliveries a[href^='/deliveries/']").first
    delivery = await link.get_attribute("href")
    assert delivery
    return [
        *PAGES,
        *(webhook + tab for tab in TABS),
        *(webhook + choice for choice in CHOICES),
        f"/events/{event}",
        delivery,
        f"{delivery}/cancel",
        f"/replays/new?{webhook.replace('/webhooks/', 'webhook=')}",
    ]
