"""The first page: the way to the first delivery, then what is going on."""

import re
from datetime import timedelta

from callboard import numerals
from callboard.accounts import keys
from callboard.auth.settings import Auth
from callboard.database import writing
from callboard.schedule import Schedule
from callboard.upkeep import retention
from tests.cast import Cast
from tests.certificates import FOR_CLIENTS, authority, issue
from tests.engine import KEEP, Engine
from tests.pages.signed_in import polled, seen


async def test_leads_to_the_first_delivery(alice, cast):
    page = seen(await alice.get("/"))
    assert "Five steps to the first delivery." in page
    assert "Say which events there are" in page
    assert "curl http://callboard.test/api/v1/events" in page


async def test_an_active_webhook_counts_below_any_number_of_drafts(
    alice, engine: Engine
):
    await engine.webhook()
    before = seen(await alice.get("/"))
    for _ in range(100):
        await engine.webhook(active=False)
    assert seen(await alice.get("/")) == before


async def test_the_first_steps_stay_away_once_they_were_taken(alice, engine: Engine):
    webhook = await engine.webhook()
    await engine.post()
    await engine.work()
    assert "Five steps" not in seen(await alice.get("/"))
    later = engine.runtime.clock() + KEEP + timedelta(days=1)
    assert await retention.forget(KEEP, later) == 1
    await engine.delete(webhook)
    page = seen(await alice.get("/"))
    assert "Five steps" not in page
    assert "Nothing was sent in the last 24 h." in page
    assert "Create webhook" in page


async def test_says_so_where_it_stops_counting(alice, engine: Engine, monkeypatch):
    for _ in range(2):
        await engine.post()
    assert "events 2 delivered" in seen(await alice.get("/"))
    monkeypatch.setattr(numerals, "MOST_COUNTED", 2)
    assert "events 2 or more delivered" in seen(await alice.get("/"))


async def test_follows_by_itself(alice, engine: Engine):
    await engine.webhook(name="CRM")
    page = await alice.get("/")
    path = polled(page, "/?")
    assert (await alice.part(path)).status_code == 204
    async with engine.working():
        await engine.post()
        await engine.settled()
    part = await alice.part(path)
    assert "Busiest webhooks" in seen(part)
    assert "1 delivered" in seen(part)
    assert "<html" not in part.text


async def test_not_all_is_well_where_anything_failed(alice, engine: Engine):
    webhook = await engine.webhook()
    async with writing() as db:
        await db.fetch(
            "INSERT INTO tally (account, webhook, bucket, delivered, failed)"
            " VALUES (:account, :webhook, :now, 99999, 1)",
            account=engine.account,
            webhook=webhook,
            now=engine.runtime.clock(),
        )
    await engine.post()
    assert "success rate 99.9 %" in seen(await alice.get("/"))


async def test_the_chart_keeps_no_keyboard_waiting(alice, engine: Engine):
    await engine.webhook(name="CRM")
    async with engine.working():
        await engine.post()
        await engine.settled()
    page = await alice.get("/")
    assert len(re.findall(r'<a href="/deliveries\?since=', page.text)) == 1
    assert '<a class="sr past" href="#after-bars">' in page.text
    assert 'id="after-bars" tabindex="-1"' in page.text


async def test_says_which_client_certificates_end(alice, engine: Engine):
    await engine.post()  # else there are first steps to take
    ends = engine.runtime.clock() + timedelta(days=5, minutes=1)
    ours = issue("us", authority(), use=FOR_CLIENTS, ends=ends)
    fields = {"certificate": ours.pem, "private_key": ours.key}
    auth = Auth.of("mtls", fields)
    await engine.webhook(name="CRM", url="https://r.example/", auth=auth)
    page = seen(await alice.get("/"))
    assert "CRM its client certificate ends in 5 d" in page
    engine.skip(6 * 24 * 3600)
    assert "CRM its client certificate ended 23 h ago" in seen(await alice.get("/"))


async def test_says_what_needs_a_person(alice, engine: Engine):
    engine.receiver.script("/down", 500)
    await engine.webhook("/down", name="Billing", schedule=(3600,))
    paused = await engine.webhook(name="CRM")
    await engine.pause(paused)
    await engine.post()
    async with engine.working():
        await engine.receiver.got(1)
    page = seen(await alice.get("/"))
    assert "Needs you" in page
    assert "failing since" in page
    assert "1 held" in page


async def test_shows_nothing_of_another_account(charlie, engine: Engine):
    await engine.webhook(name="CRM")
    async with engine.working():
        await engine.post()
        await engine.settled()
    page = await charlie.get("/")
    assert "CRM" not in page.text
    assert "Five steps" in seen(page)


async def test_a_strip_warns_when_no_worker_is_running(alice, engine: Engine):
    await engine.webhook()
    await engine.post()
    long_ago = engine.runtime.clock() - timedelta(minutes=3)
    async with writing() as db:
        await db.fetch("UPDATE delivery SET due = :due", due=long_ago)
        await db.fetch("UPDATE turn SET next_due = :due", due=long_ago)
    page = seen(await alice.get("/webhooks"))
    assert "Deliveries have been waiting for 3 min: no worker is running." in page
    assert "oldest due 3 min" in seen(await alice.get("/"))
    await engine.work()
    assert "have been waiting" not in seen(await alice.get("/webhooks"))
    assert "oldest due 0 s" in seen(await alice.get("/"))


async def test_a_strip_warns_when_scheduled_runs_are_not_begun(alice, engine: Engine):
    """One that would find nothing is nobody's trouble."""
    await engine.webhook(delivery=Schedule(every_minutes=15))
    long_ago = engine.runtime.clock() - timedelta(minutes=3)
    async with writing() as db:
        await db.fetch("UPDATE schedule SET next_run = :then", then=long_ago)
    assert "have been waiting" not in seen(await alice.get("/webhooks"))
    await engine.post()
    page = seen(await alice.get("/webhooks"))
    assert "Deliveries have been waiting for 3 min: no worker is running." in page
    await engine.work()
    assert "have been waiting" not in seen(await alice.get("/webhooks"))


async def test_who_has_sent_events_is_not_led_to_the_first_again(
    alice, engine: Engine, cast: Cast
):
    await engine.webhook()
    await engine.post()
    for key in await keys.listed(cast.alice.account):
        await keys.revoke(engine.by, key.id)
    assert "Five steps" not in seen(await alice.get("/"))
    await engine.work()
