"""The pages behind the links in mails, for people who are not signed in."""

import re

import httpx
import pytest

from callboard.database import writing
from callboard.delivery import acts
from callboard.notices.tables import Notice
from callboard.webhooks import webhooks
from callboard.webhooks.settings import settings_of
from tests.engine import Engine
from tests.pages.signed_in import Browser, seen
from tests.posting import send_mails
from tests.receiver import Answer
from tests.stories.test_notices import OPS, dead_webhook


async def link(engine: Engine, webhook: str) -> str:
    """The path in the mail, from the spell that the notice names."""
    row = await Notice.objects().get(
        (Notice.webhook == webhook) & (Notice.kind == "deactivated")
    )
    assert row is not None
    full = engine.runtime.links.activate(webhook, row.occasion)
    return full.removeprefix("http://callboard.test")


async def press(visitor: Browser, path: str, act: str) -> httpx.Response:
    """No cookie, no token in the form: as from a mail program's browser."""
    visitor.client.cookies.clear()
    return await visitor.client.post(path, data={"act": act})


class TestTheLinkInTheMail:
    async def test_shows_how_things_stand_and_changes_nothing(self, visitor, engine):
        webhook = await dead_webhook(engine)
        path = await link(engine, webhook)
        for _ in range(2):
            page = await visitor.get(path)
        words = seen(page)
        assert "CRM sync Deactivated" in words
        assert "every try failed and no delivery succeeded in between" in words
        assert "1 delivery is held" in words
        assert "Activate and deliver 1 held" in words
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"
        assert 'name="referrer" content="no-referrer"' in page.text
        ask = await visitor.get(path + "?ask=discard")
        assert "Discard 1 held delivery?" in seen(ask)
        assert await engine.state(webhook) == "deactivated"

    async def test_answers_those_who_only_ask_whether_it_is_there(
        self, visitor, engine
    ):
        webhook = await dead_webhook(engine)
        path = await link(engine, webhook)
        for known, status in ((path, 200), (path[:-4] + "AAAA", 404)):
            answer = await visitor.client.head(known)
            assert answer.status_code == status
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert await engine.state(webhook) == "deactivated"

    async def test_activates_and_delivers_with_one_click(self, visitor, engine: Engine):
        webhook = await dead_webhook(engine)
        path = await link(engine, webhook)
        del engine.receiver.usually["/dead"]
        answer = await press(visitor, path, "deliver")
        assert answer.status_code == 200
        assert "CRM sync is active again." in seen(answer)
        await engine.work()
        assert await engine.states() == ["delivered"]

    async def test_activates_and_discards(self, visitor, engine: Engine):
        webhook = await dead_webhook(engine)
        answer = await press(visitor, await link(engine, webhook), "discard")
        assert "What was held is discarded." in seen(answer)
        async with engine.working():
            await engine.followed()
        assert await engine.states() == ["cancelled"]
        assert await engine.state(webhook) == "active"

    async def test_speaks_of_nothing_held_where_the_hold_is_over(
        self, visitor, engine: Engine
    ):
        webhook = await dead_webhook(engine)
        path = await link(engine, webhook)
        engine.skip(6 * 86400)
        async with writing() as db:
            await acts.expire(db, engine.runtime.clock())
        assert await engine.states() == ["expired"]
        page = await visitor.get(path)
        assert "Nothing is held. Events that have come since" in seen(page)
        assert 'name="act" value="activate"' in page.text
        answer = await press(visitor, path, "activate")
        assert "It gets what comes from now on." in seen(answer)
        assert await engine.state(webhook) == "active"

    async def test_is_used_up_by_an_activation_whoever_makes_it(self, visitor, engine):
        webhook = await dead_webhook(engine)
        path = await link(engine, webhook)
        await engine.activate(webhook, "discard")
        for answer in (
            await visitor.get(path, 410),
            await press(visitor, path, "deliver"),
        ):
            assert answer.status_code == 410
            assert "This link is no longer needed." in seen(answer)
        async with engine.working():
            await engine.followed()

    async def test_of_an_old_spell_does_nothing_in_a_new_one(self, visitor, engine):
        webhook = await dead_webhook(engine)
        old = await link(engine, webhook)
        await engine.activate(webhook, "deliver")
        async with engine.working():
            await engine.receiver.got(3, "/dead")
            engine.skip(1)
            await engine.deactivated(webhook)
        assert (await press(visitor, old, "deliver")).status_code == 410
        assert await engine.state(webhook) == "deactivated"

    async def test_gives_way_to_a_person_who_paused_the_webhook(self, visitor, engine):
        webhook = await dead_webhook(engine)
        path = await link(engine, webhook)
        await engine.pause(webhook)
        assert (await press(visitor, path, "deliver")).status_code == 410
        assert await engine.state(webhook) == "paused"
        async with engine.working():
            await engine.followed()

    @pytest.mark.parametrize("change", ["forged", "cut", "other"])
    async def test_that_we_did_not_sign_gets_a_kind_page(
        self, visitor, engine: Engine, change: str
    ):
        webhook = await dead_webhook(engine)
        path = await link(engine, webhook)
        other = engine.runtime.links.unsubscribe(webhook, OPS)
        bad = {
            "forged": path[:-4] + "AAAA",
            "cut": path[:-9],
            "other": f"/activate/{other.rpartition('/')[2]}",
        }[change]
        for answer in (await visitor.get(bad, 404), await press(visitor, bad, "test")):
            assert answer.status_code == 404
            assert "Copy the whole address from the mail" in seen(answer)
        assert await engine.state(webhook) == "deactivated"

    async def test_makes_five_test_calls_that_count_for_nothing(self, visitor, engine):
        webhook = await dead_webhook(engine)
        path = await link(engine, webhook)
        engine.receiver.usually["/dead"] = Answer(418)
        before = len(engine.receiver.calls)
        for left in (4, 3, 2, 1):
            page = seen(await press(visitor, path, "test"))
            assert "The receiver refused the test: 418" in page
            assert f"{left} of 5 left" in page
        assert "All 5 test calls were made." in seen(await press(visitor, path, "test"))
        assert (await press(visitor, path, "test")).status_code == 429
        assert len(engine.receiver.calls) == before + 5
        assert await engine.state(webhook) == "deactivated"
        assert await engine.states() == ["held"]


class TestUnsubscribing:
    async def test_takes_the_address_off_with_one_click(self, visitor, engine: Engine):
        webhook = await dead_webhook(engine, recipients=(OPS, "b@example.org"))
        full = engine.runtime.links.unsubscribe(webhook, OPS)
        path = full.removeprefix("http://callboard.test")
        page = await visitor.get(path)
        assert "No more mails about CRM sync?" in seen(page)
        row = await webhooks.get(engine.account, webhook)
        assert OPS in settings_of(row).recipients
        visitor.client.cookies.clear()
        for _ in range(2):
            answer = await visitor.client.post(
                path, data={"List-Unsubscribe": "One-Click"}
            )
            assert answer.status_code == 200
        row = await webhooks.get(engine.account, webhook)
        assert settings_of(row).recipients == ("b@example.org",)

    async def test_a_forged_link_gets_a_kind_page(self, visitor, engine):
        assert "cannot be read" in seen(await visitor.get("/unsubscribe/nonsense", 404))


class TestTheWebhookPage:
    async def test_counts_towards_the_deactivation(self, alice, engine: Engine):
        webhook = await engine.webhook(schedule=(1, 3600))
        engine.receiver.usually["/"] = Answer(503)
        async with engine.working():
            await engine.post()
            await engine.receiver.got(1)
            engine.skip(1)
            await engine.receiver.got(2)
        words = seen(await alice.get(f"/webhooks/{webhook}"))
        assert re.search(r"Failing since \d\d:\d\d , last answer 503", words)
        assert re.search(r"Will be deactivated at .* unless a delivery succeeds", words)
        words = seen(await alice.get(f"/webhooks/{webhook}?tab=settings"))
        assert "every try of one delivery has failed" in words
        words = seen(await alice.get("/"))
        assert "503 from 127.0.0.1, 2 failed tries" in words

    async def test_says_why_it_was_deactivated_and_what_is_kept(self, alice, engine):
        webhook = await dead_webhook(engine)
        words = seen(await alice.get(f"/webhooks/{webhook}"))
        assert "no delivery succeeded in between" in words
        assert "Events that come after" in words
        words = seen(await alice.get(f"/webhooks/{webhook}?tab=people"))
        assert "last notice: on its way" in words
        assert "503 from 127.0.0.1" in seen(await alice.get("/"))


class TestTheOutbox:
    async def test_shows_mails_and_sends_a_test(self, alice, engine: Engine):
        await dead_webhook(engine)
        await alice.post("/settings/outbox/test")
        words = seen(await alice.get("/settings/outbox"))
        assert "A test mail to alice@acme.example, on its way" in words
        assert "to ops@example.org, on its way" in words
        assert "No mail server is set" in words

    async def test_what_need_not_be_sent_any_more_is_no_problem(
        self, alice, engine: Engine, tmp_path
    ):
        webhook = await dead_webhook(engine)
        await engine.change(webhook, recipients=())
        await send_mails(engine, None, tmp_path)
        page = await alice.get("/settings/outbox")
        assert "The recipient was taken off before this was sent." in seen(page)
        assert 'class="problem"' not in page.text
        assert "given up" not in seen(page)

    async def test_is_nothing_for_viewers_and_strangers(self, viewer, charlie, engine):
        await dead_webhook(engine)
        await viewer.get("/settings/outbox", 403)
        assert OPS not in (await charlie.get("/settings/outbox")).text
