"""What needs a person is told above every page, also while one stays open."""

from datetime import timedelta

from callboard.database import writing
from tests.engine import Engine
from tests.pages.signed_in import Browser, polled, seen
from web import cookies

AWAY = "Deliveries have been waiting for 3 min: no worker is running."


async def without_a_worker(engine: Engine) -> None:
    await engine.webhook()
    await engine.post()
    long_ago = engine.runtime.clock() - timedelta(minutes=3)
    async with writing() as db:
        await db.fetch("UPDATE delivery SET due = :due", due=long_ago)
        await db.fetch("UPDATE turn SET next_due = :due", due=long_ago)


async def test_an_open_page_hears_of_trouble_and_of_its_end(
    alice: Browser, engine: Engine
):
    path = polled(await alice.get("/webhooks/new"), "/strip")
    quiet = await alice.part(path)
    assert (quiet.status_code, quiet.text) == (204, "")
    await without_a_worker(engine)
    told = await alice.part(path)
    assert AWAY in seen(told)
    assert "<html" not in told.text
    path = polled(told, "/strip")
    await engine.work()
    over = await alice.part(path)
    assert (over.status_code, seen(over)) == (200, "")


async def test_of_a_trouble_that_lasts_only_the_minutes_change_and_nobody_is_told(
    alice: Browser, engine: Engine
):
    await without_a_worker(engine)
    page = await alice.get("/webhooks")
    engine.skip(60)
    later = await alice.part(polled(page, "/strip"))
    assert (seen(later), later.headers["HX-Reswap"]) == ("for 4 min:", "none")
    assert 'aria-live="off" hx-swap-oob="true"' in later.text
    assert "hx-swap-oob" not in page.text
    await engine.work()


async def test_a_screen_reader_is_told_politely(alice: Browser, engine: Engine):
    await without_a_worker(engine)
    page = (await alice.get("/webhooks")).text
    region = page[page.index('<div role="status"><div hx-get="/strip') :]
    region = region[: region.index("<main")]
    assert "no worker is running" in region
    assert '<span id="strip-waited" aria-live="off">for 3 min:</span>' in region
    await engine.work()


async def test_who_was_signed_out_is_told_so_and_not_led_away(
    alice: Browser, engine: Engine
):
    path = polled(await alice.get("/webhooks/new"), "/strip")
    await alice.post("/logout")
    told = await alice.part(path)
    assert "You are not signed in any more. Sign in in another tab" in seen(told)
    assert "HX-Redirect" not in told.headers
    assert (await alice.part(polled(told, "/strip"))).status_code == 204


async def test_who_was_signed_out_keeps_what_is_typed_and_goes_on_after_signing_in(
    alice: Browser, engine: Engine
):
    """A form tells what it would send while somebody types into it."""
    session = alice.client.cookies[cookies.SESSION]
    await alice.get("/webhooks/new")
    del alice.client.cookies[cookies.SESSION]
    told = await alice.post_part("/webhooks/new/preview", {"url": "x"}, 401)
    assert "You are not signed in any more." in seen(told)
    assert "HX-Redirect" not in told.headers
    assert "<html" not in told.text
    alice.client.cookies[cookies.SESSION] = session
    await alice.post_part("/webhooks/new/preview", {"url": "x"})


async def test_a_stranger_hears_of_his_own_trouble_only(
    charlie: Browser, engine: Engine
):
    path = polled(await charlie.get("/"), "/strip")
    await without_a_worker(engine)
    assert (await charlie.part(path)).status_code == 204
    await engine.work()


async def test_parts_do_not_look_for_trouble(alice: Browser, engine: Engine, queries):
    """They are fetched every few seconds, and have no strip."""
    webhook = await engine.webhook()
    with queries() as seen_in_part:
        await alice.part(f"/webhooks/{webhook}/header")
    assert [each for each in seen_in_part if "FROM replay" in each] == []
