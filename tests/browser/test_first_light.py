"""From the set-up link to the first delivery, as a person walks it."""

from playwright.async_api import Browser, expect

from tests.browser.walk import TYPE, Walk
from tests.live import Live
from tests.receiver import Receiver


async def test_from_the_link_to_a_delivery_that_turns_green(
    live: Live, chromium: Browser, receiver: Receiver
) -> None:
    page = await chromium.new_page(viewport={"width": 1440, "height": 900})
    walk = Walk(page, live)
    await walk.set_up()
    await walk.install_catalogue()
    key = await walk.make_key()

    await walk.fill_in(f"{receiver.url}/contacts")
    row = page.locator(".tick", has=page.locator(f"[id='e-{TYPE}']"))
    await row.get_by_text("See sample").click()
    await expect(row.locator(".slot .json")).to_be_visible()
    await expect(page.locator("#preview")).to_contain_text("webhook-signature")
    await page.locator("#s-sent").click()
    await page.get_by_label("Form fields").check()
    await page.get_by_label("Method").select_option("PUT")
    await expect(page.locator("#preview")).to_contain_text(
        f"PUT {receiver.url}/contacts"
    )
    await expect(page.locator("#preview")).to_contain_text("number_of_attempts=1")
    await page.get_by_label("Envelope").check()
    await page.get_by_label("Method").select_option("POST")
    await row.get_by_text("Send test").click()
    await expect(row.locator(".slot .result")).to_contain_text("200")
    (test,) = await receiver.got(1, "/contacts")
    assert test.id.startswith("evt_test_")

    await walk.press("Save as draft")
    await walk.sees("Draft. Nothing is sent yet.")
    assert (await page.locator(".secret code").inner_text()).startswith("whsec_")
    await walk.press("Activate")
    await expect(page.locator("h1 .badge")).to_contain_text("Active")

    await page.evaluate("document.body.dataset.open = 'yes'")
    event = await walk.send_event(key)
    badge = page.locator("#deliveries .badge")
    await expect(badge).to_contain_text("Delivered")
    assert await page.evaluate("document.body.dataset.open") == "yes"
    assert (await receiver.got(2, "/contacts"))[1].id == event

    await page.locator("#deliveries a").first.click()
    await walk.sees("Request and response")
    assert walk.troubles == []


async def test_the_same_without_javascript(
    live: Live, chromium: Browser, receiver: Receiver
) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    walk = Walk(page, live)
    await walk.set_up()
    await walk.install_catalogue()
    key = await walk.make_key()

    await walk.fill_in(f"{receiver.url}/contacts")
    row = page.locator(".tick", has=page.locator(f"[id='e-{TYPE}']"))
    await row.get_by_text("Send test").click()
    await walk.sees("The receiver took the test")
    await expect(page.get_by_label("Callback URL")).to_have_value(
        f"{receiver.url}/contacts"
    )
    await expect(page.locator(f"[id='e-{TYPE}']")).to_be_checked()
    await walk.press("Save as draft")
    await walk.press("Activate")
    await expect(page.locator("h1 .badge")).to_contain_text("Active")

    event = await walk.send_event(key)
    assert (await receiver.got(2, "/contacts"))[1].id == event
    await expect(page.locator("#deliveries")).to_contain_text("No deliveries yet.")
    await walk.reloads_until("#deliveries", "Delivered")
    await page.get_by_role("link", name=TYPE).first.click()
    await walk.sees("Request and response")
