"""Deliveries and events: what came of them, why, and what a person can do."""

import asyncio
import re
from contextvars import Context

import pytest

from callboard.database import writing
from tests.cast import Cast
from tests.engine import TYPE, Engine
from tests.pages.signed_in import polled, seen
from tests.receiver import Answer


@pytest.fixture
async def event(engine: Engine) -> str:
    """Delivered to CRM, failed at Billing; Elsewhere did not want it."""
    engine.receiver.usually["/billing"] = Answer(
        503, (("X-Reason", "<b>down</b>"),), b"<script>alert(1)</script>"
    )
    await engine.webhook("/crm", name="CRM")
    await engine.webhook("/billing", name="Billing", schedule=())
    await engine.webhook("/else", name="Elsewhere", events=("later.*",))
    async with engine.working():
        receipt = await engine.post(b'{"id": 4711}', key="order-1")
        await engine.settled()
    return receipt.id


@pytest.fixture
async def waiting(engine: Engine) -> str:
    """A delivery that no worker has taken yet."""
    await engine.webhook("/slow", name="Slow")
    await engine.post()
    (id,) = await engine.deliveries()
    return id


class TestTheList:
    async def test_filters_by_state_and_webhook(self, alice, event):
        page = seen(await alice.get("/deliveries"))
        assert page.count(TYPE) == 2
        part = await alice.part("/deliveries?state=failed")
        assert "<html" not in part.text
        assert "Billing" in part.text
        assert "CRM" not in part.text
        none = seen(await alice.get("/deliveries?state=held"))
        assert "No delivery matches." in none

    async def test_of_one_event_and_of_a_span_of_time(self, alice, event):
        assert TYPE in seen(await alice.get(f"/deliveries?event={event}"))
        path = "/deliveries?since=2001-01-01T00:00:00%2B00:00&until=2001-01-02"
        assert "No delivery matches." in seen(await alice.get(path))
        answer = await alice.get("/deliveries?since=yesterday", 422)
        assert "Write a time such as" in seen(answer)

    async def test_goes_on_after_fifty(self, alice, engine: Engine):
        await engine.webhook()
        for _ in range(51):
            await engine.post()
        page = await alice.get("/deliveries")
        assert "Show more" in seen(page)
        (rest,) = re.findall(r'href="(/deliveries\?cursor=[^"]+)"', page.text)
        part = await alice.part(rest)
        assert part.text.count("/deliveries/dlv_") == 1
        assert "every 2s" not in part.text

    async def test_polls_while_something_is_under_way(self, alice, waiting, engine):
        page = await alice.get("/deliveries")
        path = polled(page, "/deliveries?live=")
        assert (await alice.part(path)).status_code == 204
        await engine.work()
        part = await alice.part(path)
        assert "Delivered" in part.text
        assert "every 2s" not in part.text


class TestOne:
    async def test_shows_its_attempt_with_request_and_response(self, alice, event):
        page = await alice.get("/deliveries?state=failed")
        (path,) = re.findall(r'href="(/deliveries/dlv_\w+)"', page.text)
        page = await alice.get(path)
        for part in (
            *("Failed", "Try 1", "503", "POST", "/billing", "4711", event),
            *("webhook-signature", "X-Reason", "<b>down</b>", "first byte"),
            *("1 of 1", "It listens to every event type."),
        ):
            assert part in seen(page)
        assert "<script>alert" not in page.text
        assert "every 2s" not in page.text

    async def test_is_repeated_by_hand(self, alice, event, engine: Engine):
        page = await alice.get("/deliveries?state=failed")
        (path,) = re.findall(r'href="(/deliveries/dlv_\w+)"', page.text)
        engine.receiver.usually.clear()
        made = (await alice.post(f"{path}/replay")).headers["Location"]
        assert made != path
        await engine.work()
        page = seen(await alice.get(made))
        assert "Delivered" in page
        assert "Repeats" in page

    async def test_refreshes_itself_until_it_is_done(self, alice, waiting, engine):
        page = await alice.get(f"/deliveries/{waiting}")
        path = polled(page, f"/deliveries/{waiting}?")
        assert (await alice.part(path)).status_code == 204
        await engine.work()
        part = await alice.part(path)
        assert "Delivered" in part.text
        assert "hx-trigger" not in part.text

    async def test_says_there_why_an_act_does_not_work_out(
        self, alice, event, engine: Engine
    ):
        page = await alice.get("/deliveries?state=delivered")
        (path,) = re.findall(r'href="(/deliveries/dlv_\w+)"', page.text)
        (webhook,) = re.findall(r'href="/webhooks/(wh_\w+)">CRM', page.text)
        await engine.pause(webhook)
        for act, why in (
            ("replay", "CRM is paused: activate it first."),
            ("try-now", "This delivery is being sent right now, or is finished"),
            ("cancel", "This delivery is being sent right now, or is finished"),
        ):
            answer = await alice.post(f"{path}/{act}", status=422)
            assert why in seen(answer)
            assert "Attempts" in seen(answer)

    async def test_is_not_older_than_its_attempts(self, alice, waiting, engine: Engine):
        """They are read one after the other, and a call ends in between."""
        if not engine.is_postgres:
            pytest.skip("nothing can hold up a reader of SQLite")
        await engine.work()
        await engine.rows("UPDATE delivery SET state = 'pending', attempts = 0")
        async with writing() as db:
            await db.fetch("LOCK TABLE attempt IN ACCESS EXCLUSIVE MODE")
            looking = asyncio.create_task(
                alice.get(f"/deliveries/{waiting}"), context=Context()
            )
            await asyncio.wait([looking], timeout=0.5)
            assert not looking.done()
            await db.fetch("UPDATE delivery SET state = 'delivered', attempts = 1")
        page = await looking
        assert '<li class="is-delivered" id="attempt-1-last"' in page.text
        assert "every 2s" not in page.text

    async def test_is_tried_now(self, alice, waiting, engine: Engine):
        answer = await alice.post(f"/deliveries/{waiting}/try-now")
        assert answer.headers["Location"] == f"/deliveries/{waiting}"
        await engine.work()
        page = seen(await alice.get(f"/deliveries/{waiting}"))
        assert "Try by hand 1" in page
        assert "1, 1 of them by hand. The plan has 6." in page
        answer = await alice.post(f"/deliveries/{waiting}/try-now", status=422)
        assert "is finished already" in seen(answer)

    async def test_says_when_its_next_try_comes(self, alice, engine: Engine):
        engine.receiver.usually["/"] = Answer(503)
        await engine.webhook(schedule=(3600,))
        async with engine.working():
            await engine.post()
            await engine.tried()
        (id,) = await engine.deliveries()
        page = seen(await alice.get(f"/deliveries/{id}"))
        assert "Tried 1 time; the next try comes in" in page
        await alice.post(f"/deliveries/{id}/try-now")
        page = seen(await alice.get(f"/deliveries/{id}"))
        assert "the next try begins now." in page

    async def test_is_cancelled(self, alice, waiting, engine: Engine):
        asked = await alice.part(f"/deliveries/{waiting}/cancel")
        assert "Cancel this delivery?" in asked.text
        assert "<html" not in asked.text
        await alice.post(f"/deliveries/{waiting}/cancel")
        page = seen(await alice.get(f"/deliveries/{waiting}"))
        assert "Cancelled" in page
        assert "cancelled by a person" in page
        assert "cancelled by a person" in seen(await alice.get("/deliveries"))

    async def test_of_a_deleted_webhook_stays_readable(self, alice, event, engine):
        page = await alice.get("/deliveries?state=failed")
        (path,) = re.findall(r'href="(/deliveries/dlv_\w+)"', page.text)
        (webhook,) = re.findall(r"/webhooks/(wh_\w+)", (await alice.get(path)).text)[:1]
        await engine.delete(webhook)
        assert "Billing" in seen(await alice.get(path))


class TestEvents:
    async def test_are_found_by_type_and_by_whole_key(self, alice, event):
        assert "order-1" in seen(await alice.get("/events"))
        assert "order-1" in seen(await alice.part("/events?q=order-1"))
        assert "No event matches." in seen(await alice.part("/events?q=order"))
        assert "No event matches." in seen(await alice.part("/events?type=nix"))

    async def test_one_says_where_it_went_and_why_not_elsewhere(self, alice, event):
        page = seen(await alice.get(f"/events/{event}"))
        assert "Went to 2 webhooks." in page
        assert f"It listens to later.*, not to {TYPE}." in page
        assert "order-1" in page
        part = await alice.part(f"/events/{event}/deliveries")
        assert "Billing" in part.text
        assert "<html" not in part.text

    async def test_one_is_sent_to_a_webhook_that_did_not_want_it(
        self, alice, event, engine: Engine
    ):
        page = await alice.get(f"/events/{event}")
        (other,) = re.findall(r'value="(wh_\w+)">Elsewhere', page.text)
        answer = await alice.post(f"/events/{event}/send", {"webhook": other})
        async with engine.working():
            (call,) = await engine.receiver.got(1, "/else")
            await engine.settled()
        assert call.id == event
        assert "Delivered" in seen(await alice.get(answer.headers["Location"]))

    async def test_a_webhook_that_is_paused_meanwhile_says_so(
        self, alice, event, engine: Engine
    ):
        page = await alice.get(f"/events/{event}")
        (other,) = re.findall(r'value="(wh_\w+)">Elsewhere', page.text)
        await engine.pause(other)
        form = {"webhook": other}
        answer = await alice.post(f"/events/{event}/send", form, 422)
        assert "Elsewhere is paused: activate it first." in seen(answer)


class TestWhoMay:
    async def test_charlie_finds_none_of_it(self, charlie, event, engine: Engine):
        assert "No deliveries yet." in seen(await charlie.get("/deliveries"))
        assert "No events yet." in seen(await charlie.get("/events"))
        for path in ("", "/deliveries"):
            await charlie.get(f"/events/{event}{path}", 404)
        await charlie.post(f"/events/{event}/send", {"webhook": "wh_x"}, 404)
        for id in await engine.deliveries():
            await charlie.get(f"/deliveries/{id}", 404)
            await charlie.get(f"/deliveries/{id}/cancel", 404)
            for act in ("try-now", "cancel", "replay"):
                await charlie.post(f"/deliveries/{id}/{act}", status=404)

    async def test_a_viewer_reads_only(self, viewer, waiting, cast: Cast):
        page = seen(await viewer.get(f"/deliveries/{waiting}"))
        assert "Try now" not in page
        for act in ("try-now", "cancel", "replay"):
            await viewer.post(f"/deliveries/{waiting}/{act}", status=403)

    @pytest.mark.parametrize(
        "id", ["dlv_", "dlv_x", "nonsense", "dlv_zzzzzzzzzzzzzzzz"]
    )
    async def test_what_is_no_id_is_not_found(self, alice, engine, id: str):
        answer = await alice.get(f"/deliveries/{id}", 404)
        assert "There is no such delivery." in seen(answer)
