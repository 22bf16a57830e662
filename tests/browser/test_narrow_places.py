"""Where there is little room, nothing is hidden or cut off."""

import pytest
from playwright.async_api import Browser

from tests.browser.walk import TYPE, Walk
from tests.live import Live
from tests.receiver import Receiver

pytestmark = pytest.mark.once
# Whether what is at the place of an element is that element.
SHOWS = """(el) => {
    const box = el.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + 1);
    return el === top || el.contains(top);
}"""


CUT = """(all) => all.filter((el) => [...el.children].some((child) =>
    child.getBoundingClientRect().right > el.getBoundingClientRect().right))
    .map((el) => el.textContent)"""


async def test_a_test_beside_the_form_is_shown_whole(
    live: Live, chromium: Browser, receiver: Receiver
) -> None:
    page = await chromium.new_page(viewport={"width": 1440, "height": 900})
    walk = Walk(page, live)
    await walk.set_up()
    await walk.install_catalogue()
    await walk.fill_in(receiver.url)
    await walk.press("Send test")
    await page.get_by_text("Request and response").click()
    await walk.sees("Copy as curl")
    captions = page.locator("#test-result figcaption")
    assert await captions.evaluate_all(CUT) == []


async def test_nothing_hides_below_the_bar_at_the_top(
    live: Live, chromium: Browser
) -> None:
    page = await chromium.new_page(viewport={"width": 360, "height": 740})
    walk = Walk(page, live)
    await walk.set_up()
    await walk.install_catalogue()
    await walk.go("/webhooks/new")
    await page.locator(f"[id='e-{TYPE}']").evaluate("(el) => el.scrollIntoView()")
    assert await page.get_by_placeholder("Search").evaluate(SHOWS)
    await walk.press("Save as draft")
    await page.locator(".summary a[href='#f-url']").click()
    assert await page.locator("label[for='f-url']").evaluate(SHOWS)
