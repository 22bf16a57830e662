"""Scheduled runs as people set and see them."""

from typing import Any

from callboard.delivery.tables import Run
from callboard.schedule import Schedule
from callboard.webhooks import webhooks
from callboard.webhooks.settings import settings_of
from tests.engine import Engine
from tests.pages.signed_in import seen

FORM: dict[str, Any] = {
    "url": "https://r.example/",
    "events": "*",
    "signing_scheme": "none",
    "success": "2xx",
    "retry_schedule": "60",
    "timeout": "15",
    "concurrency": "10",
    "hold_days": "5",
    "delivery_mode": "schedule",
    "delivery_every_minutes": "5",
    "delivery_batch_size": "100",
    "delivery_bucket_size": "10",
    "delivery_latest_only": "yes",
}


async def test_a_schedule_is_set_in_the_form_and_taken_away(alice, engine: Engine):
    await alice.post("/webhooks/new", FORM)
    (row,) = (await webhooks.page(engine.account)).items
    assert settings_of(row).delivery == Schedule(5, 100, 10, latest_only=True)
    page = await alice.get(f"/webhooks/{row.id}/edit")
    assert 'name="delivery_every_minutes" type="number" class="short" value="5"' in (
        page.text
    )
    settings = await alice.get(f"/webhooks/{row.id}?tab=settings")
    assert "Every 5 minutes, at most 100 deliveries a run, up to 10" in settings.text
    away = FORM | {"delivery_mode": "immediate"}
    await alice.post(f"/webhooks/{row.id}/edit", away)
    row = await webhooks.get(engine.account, row.id)
    assert settings_of(row).delivery is None


async def test_a_wrong_number_stands_beside_its_field(alice, engine: Engine):
    wrong = FORM | {"delivery_batch_size": "x"}
    answer = await alice.post("/webhooks/new", wrong, 422)
    assert "Give 1 to 10000 deliveries." in answer.text


async def test_the_next_run_is_shown_and_a_button_begins_one(alice, engine: Engine):
    webhook = await engine.webhook(delivery=Schedule(30))
    await engine.post()
    page = await alice.get(f"/webhooks/{webhook}")
    assert "The next run comes" in page.text
    assert "1 delivery waits for it." in page.text
    (id,) = await engine.deliveries()
    delivery = await alice.get(f"/deliveries/{id}")
    assert "It goes with a scheduled run; the next one comes" in delivery.text
    engine.skip(31 * 60)
    late = seen(await alice.get(f"/webhooks/{webhook}"))
    assert "A run is overdue: it should have begun" in late
    await alice.post(f"/webhooks/{webhook}/run")
    assert (
        "A run is under way. It took 1 delivery. What comes meanwhile goes with the"
        " next one."
    ) in seen(await alice.get(f"/webhooks/{webhook}"))
    again = await alice.shown(f"/webhooks/{webhook}/run")
    assert "A run is under way; it takes what waits first." in seen(again)
    async with engine.working():
        await engine.receiver.got(1)
        await engine.settled()
    delivery = await alice.get(f"/deliveries/{id}")
    assert "at try 1" in seen(delivery)
    assert "1 of 12" in seen(delivery)
    assert "scheduled run" not in seen(delivery)


async def test_a_viewer_sees_no_button(alice, viewer, engine: Engine):
    webhook = await engine.webhook(delivery=Schedule(30))
    assert "Run now" in (await alice.get(f"/webhooks/{webhook}")).text
    assert "Run now" not in (await viewer.get(f"/webhooks/{webhook}")).text
    await viewer.post(f"/webhooks/{webhook}/run", status=403)


async def test_a_stranger_finds_no_webhook_to_run(charlie, engine: Engine):
    webhook = await engine.webhook(delivery=Schedule(30))
    await charlie.post(f"/webhooks/{webhook}/run", status=404)
    assert await Run.count() == 0
