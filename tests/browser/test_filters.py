"""While filters are written, the latest events show what they do."""

import re

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.walk import TYPE, Walk
from tests.live import Live

pytestmark = pytest.mark.once


async def test_the_tester_follows_what_is_typed_and_inserted(
    live: Live, chromium: Browser
) -> None:
    page = await chromium.new_page(viewport={"width": 1440, "height": 900})
    walk = Walk(page, live)
    await walk.set_up()
    await walk.install_catalogue()
    await _post_events(live, await walk.make_key())
    await walk.fill_in("https://receiver.example/")
    tester = page.locator("#tester")

    await page.get_by_text("Only some of these events").click()
    await expect(tester).to_contain_text("2 of the latest 2 events would pass.")
    await page.get_by_label("Selector filter").fill("ContactID.idContact=1.*")
    await expect(tester).to_contain_text("1 of the latest 2 events would pass.")
    await expect(tester).to_contain_text("ContactID.idContact is 2, not 1.*.")
    await page.get_by_label("Selector filter").fill("ContactID(")
    await expect(tester).to_contain_text("Expected *, a flag or field=value at 11.")

    await page.get_by_label("Selector filter").fill("")
    await page.get_by_text("All operators").click()
    await page.get_by_label("Insert lastName:isnotnull").click()
    await expect(page.get_by_label("Conditions")).to_have_value("lastName:isnotnull")
    await expect(tester).to_contain_text("0 of the latest 2 events would pass.")
    await expect(tester).to_contain_text("lastName is missing.")
    assert [each for each in walk.troubles if "422" not in each] == []


async def test_what_would_be_sent_is_shown_of_an_event_that_is_ticked(
    live: Live, chromium: Browser
) -> None:
    page = await chromium.new_page(viewport={"width": 1440, "height": 900})
    walk = Walk(page, live)
    await walk.set_up()
    await walk.install_catalogue()
    await walk.go("/webhooks/new")
    shown = page.get_by_label("Shown for")
    await expect(shown).to_have_value(TYPE)
    await page.locator("[id='e-sending_Bounce']").check()
    await expect(shown).to_have_value("sending_Bounce")
    await page.locator("[id='e-contact_optin']").check()
    await expect(shown).to_have_value("sending_Bounce")


async def test_what_is_chosen_can_be_cleared_and_followed_at_once(
    live: Live, chromium: Browser
) -> None:
    page = await chromium.new_page(viewport={"width": 1440, "height": 900})
    walk = Walk(page, live)
    await walk.set_up()
    await walk.install_catalogue()
    await _post_events(live, await walk.make_key())
    await walk.go("/events")
    clear = page.get_by_role("link", name="Clear")
    await expect(clear).to_be_hidden()
    await page.get_by_label("Event type").select_option(TYPE)
    await expect(clear).to_be_visible()
    await clear.click()
    await expect(clear).to_be_hidden()
    await page.get_by_label("Find by id or key").fill("no such key")
    await expect(page.get_by_text("No event matches.")).to_be_visible()
    await expect(clear).to_be_visible()

    await walk.go("/deliveries?state=failed")
    await page.get_by_label("State").select_option("held")
    await page.get_by_role("button", name="Follow live").click()
    await expect(page).to_have_url(re.compile(r"\?live=1&state=held"))
    assert walk.troubles == []


async def test_a_field_that_was_mended_looks_so_at_once(
    live: Live, chromium: Browser
) -> None:
    page = await chromium.new_page(viewport={"width": 1440, "height": 900})
    walk = Walk(page, live)
    await walk.set_up()
    await walk.install_catalogue()
    await walk.go("/webhooks/new")
    await walk.press("Save as draft")
    url = page.get_by_label("Callback URL")
    picker = page.locator("#f-events")
    await expect(url).to_have_attribute("aria-invalid", "true")
    await expect(picker).to_contain_text("Choose at least one event type")
    await url.fill("https://receiver.example/")
    await expect(url).to_have_attribute("aria-invalid", "false")
    await expect(picker).to_contain_text("Choose at least one event type")
    await page.locator(f"[id='e-{TYPE}']").check()
    await expect(picker).not_to_contain_text("Choose at least one event type")


async def _post_events(live: Live, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=live.url, headers=headers) as client:
        for number in (1, 2):
            data = {
                "ContactID": {"idContact": number},
                "Data": {},
                "idCompany": 1,
                "idProject": 1,
            }
            event = {"type": TYPE, "data": data}
            answer = await client.post("/api/v1/events", json=event)
            assert answer.status_code == 202, answer.text
