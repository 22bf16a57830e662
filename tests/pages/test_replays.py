"""Replays on pages: choose, look, start, watch and steer, without JavaScript, too."""

import re
from typing import Any

import pytest

from callboard.database import writing
from callboard.ingest import NewEvent
from callboard.replays import progress
from callboard.webhooks import webhooks
from tests.engine import TYPE, Engine, eventually
from tests.pages.signed_in import Browser, polled, seen

FORM = {"kind": "ended", "states": ["failed"]}


@pytest.fixture
async def webhook(engine: Engine) -> str:
    """CRM, to which seven deliveries have failed."""
    id = await engine.webhook(name="CRM")
    await engine.post_all([NewEvent(TYPE, b"{}")] * 7)
    async with writing() as db:
        await db.fetch(
            "UPDATE delivery SET state = 'failed', reason = 'every try failed',"
            " due = NULL, finished_at = :now",
            now=engine.runtime.clock(),
        )
    return id


async def start(alice: Browser, webhook: str, **more: Any) -> str:
    answer = await alice.post("/replays", FORM | {"webhook": webhook} | more)
    return answer.headers["Location"]


async def finished(engine: Engine) -> None:
    async def met() -> bool:
        page = await progress.page(engine.account)
        return not any(each.is_open for each in page.items)

    await eventually(met)


class TestTheForm:
    async def test_is_reached_from_a_webhook_and_from_a_list_of_deliveries(
        self, alice, webhook
    ):
        page = await alice.get(f"/webhooks/{webhook}")
        assert f'href="/replays/new?webhook={webhook}"' in page.text
        page = await alice.get("/deliveries?state=failed")
        assert 'formaction="/replays/new"' in page.text
        query = f"webhook={webhook}&state=expired&since=2020-01-01T00:00:00%2B01:00"
        page = await alice.get(f"/replays/new?{query}", 422)
        assert 'value="2019-12-31T23:00"' in page.text
        assert re.search(r'value="expired" checked', page.text)
        assert not re.search(r'value="failed" checked', page.text)
        assert "Events are kept since" in seen(page)

    async def test_shows_at_first_what_to_do(self, alice, webhook):
        page = seen(await alice.get("/replays/new"))
        assert "Choose a webhook" in page

    async def test_shows_beside_it_what_would_be_sent(self, alice, webhook):
        query = f"webhook={webhook}&kind=ended&states=failed"
        page = await alice.get(f"/replays/new?{query}")
        assert "7 events , the oldest first." in seen(page)
        assert "and 2 more." in seen(page)
        part = await alice.part(f"/replays/new?{query}&states=expired")
        assert "<html" not in part.text
        assert "Send these 7 again" in seen(part)
        part = await alice.part(f"/replays/new?webhook={webhook}&kind=missing")
        assert "It has been sent every event that it wants." in seen(part)

    async def test_offers_very_many_webhooks_and_the_chosen_one_in_any_case(
        self, alice, webhook, engine, monkeypatch
    ):
        for name in ("One", "Two"):
            await engine.webhook(name=name)
        page = await alice.get("/replays/new")
        assert f'<option value="{webhook}"' in page.text
        monkeypatch.setattr(webhooks, "_MOST_CHOICES", 2)
        page = await alice.get("/replays/new")
        assert f'<option value="{webhook}"' not in page.text
        page = await alice.get(f"/replays/new?webhook={webhook}")
        assert f'<option value="{webhook}" selected' in page.text

    async def test_says_of_a_stopped_webhook_what_to_do_first(
        self, alice, webhook, engine
    ):
        await engine.pause(webhook)
        for path in (f"?webhook={webhook}", f"?webhook={webhook}&kind=missing"):
            page = await alice.get(f"/replays/new{path}")
            assert "What is sent CRM is paused: activate it first." in seen(page)
            assert "See the webhook" in seen(page)
            assert "another look" not in page.text
            assert "aria-invalid" not in page.text

    async def test_says_everything_that_is_wrong(self, alice, webhook, engine):
        await engine.pause(webhook)
        query = (
            f"webhook={webhook}&kind=ended&states=failed&types=nix&rate_per_second=x"
        )
        page = await alice.get(f"/replays/new?{query}", 422)
        for part in ("CRM is paused: activate it first.", "no event type nix", "0.01"):
            assert part in seen(page)
        part = await alice.part(f"/replays/new?webhook={webhook}&kind=ended&since=x")
        assert part.status_code == 422
        for words in ("Tick at least one", "Write a time", "CRM is paused"):
            assert words in part.text


class TestStarting:
    async def test_asks_first_and_leads_to_the_job(self, alice, webhook, engine):
        query = f"webhook={webhook}&kind=ended&states=failed"
        page = await alice.get(f"/replays/new?{query}")
        assert "Send these 7 again" in seen(page)
        asked = await alice.get(f"/replays/confirm?{query}")
        assert "Send 7 events to CRM?" in seen(asked)
        fields = re.findall(r'name="(\w+)" value="([^"]*)"', asked.text)
        form: dict[str, Any] = dict(fields)
        answer = await alice.post("/replays", form)
        page = await alice.get(answer.headers["Location"])
        assert "Replay to CRM" in seen(page)
        assert "0 of 7 done" in seen(page)
        async with engine.working():
            await finished(engine)
        page = await alice.get(answer.headers["Location"])
        assert "7 of 7 were delivered." in seen(page)
        assert "every 1s" not in page.text
        assert len(engine.receiver.calls) == 7

    async def test_asks_about_the_form_as_it_stands(self, alice, webhook):
        """Not as it stood when the preview was fetched: a rate may be typed last."""
        query = f"webhook={webhook}&kind=ended&states=failed"
        page = await alice.get(f"/replays/new?{query}")
        assert 'form="selection" formaction="/replays/confirm"' in page.text
        assert 'hx-include="#selection"' in page.text
        assert "/replays/confirm?" not in page.text
        asked = await alice.part(f"/replays/confirm?{query}&rate_per_second=40")
        assert 'name="rate_per_second" value="40"' in asked.text
        assert "At most 40 go out in a second." in seen(asked)
        bad = await alice.part(f"/replays/confirm?{query}&rate_per_second=x")
        assert bad.status_code == 422
        assert bad.headers["HX-Retarget"] == "#preview"

    async def test_comes_back_with_the_form_when_it_cannot_be(
        self, alice, webhook, engine
    ):
        await start(alice, webhook)
        form = FORM | {"webhook": webhook, "types": TYPE}
        page = await alice.post("/replays", form, 422)
        assert "Another replay to this webhook is under way" in seen(page)
        assert f'value="{TYPE}"' in page.text
        wrong = {"webhook": "wh_no", "since": "soon", "until": "late"}
        page = seen(await alice.post("/replays", FORM | wrong, 422))
        assert "There is no such webhook" in page
        assert page.count("Write a time such as") >= 2


class TestTheJob:
    async def test_refreshes_itself_while_it_is_under_way(self, alice, webhook, engine):
        path = await start(alice, webhook)
        again = polled(await alice.get(path), path)
        assert (await alice.part(again)).status_code == 204
        async with engine.working():
            await finished(engine)
        part = await alice.part(again)
        assert "Finished" in part.text
        assert "<html" not in part.text

    async def test_is_paused_goes_on_and_is_cancelled(self, alice, webhook):
        path = await start(alice, webhook, rate_per_second="2.5")
        assert "2.5 a second" in seen(await alice.get(path))
        await alice.post(f"{path}/pause")
        page = seen(await alice.get(path))
        assert "Paused: nothing more is made" in page
        assert "Go on" in page
        await alice.post(f"{path}/resume")
        assert "Pause" in seen(await alice.get(path))
        asked = await alice.part(f"{path}/cancel")
        assert "Cancel this replay?" in asked.text
        async with writing() as db:
            await db.fetch("UPDATE replay SET total = 5000")
        shown = [await alice.get(path), await alice.part(f"{path}/cancel")]
        assert all("0 of 5\u202f000" in each.text for each in shown)
        async with writing() as db:
            await db.fetch("UPDATE replay SET total = 7")
        await alice.post(f"{path}/cancel")
        page = await alice.get(path)
        assert "after 0 of 7 were delivered." in seen(page)
        assert f"{path}/pause" not in page.text
        for act in ("pause", "resume"):
            page = await alice.shown(f"{path}/{act}")
            assert "This replay is cancelled already." in seen(page)

    async def test_says_what_it_waits_for(self, alice, webhook, engine):
        path = await start(alice, webhook)
        await engine.pause(webhook)
        page = seen(await alice.get(path))
        assert "CRM is paused: activate it to go on." in page

    async def test_is_listed(self, alice, webhook, queries):
        assert "No replays yet." in seen(await alice.get("/replays"))
        path = await start(alice, webhook, types="contact.*")
        with queries() as ran:
            page = await alice.get("/replays")
        assert len([sql for sql in ran if "FROM replay r" in sql]) == 1
        assert path in page.text
        for words in ("CRM", "failed", "contact.*", "Running", "0 of 7"):
            assert words in seen(page)
        again = polled(page, "/replays?")
        assert (await alice.part(again)).status_code == 204
        none = await alice.get("/replays?webhook=wh_other")
        assert "No replays yet." in seen(none)


class TestWhoMay:
    async def test_charlie_finds_none_of_it(self, alice, charlie, webhook):
        path = await start(alice, webhook)
        assert "No replays yet." in seen(await charlie.get("/replays"))
        for part in ("", "/cancel"):
            await charlie.get(f"{path}{part}", 404)
        for act in ("pause", "resume", "cancel"):
            await charlie.post(f"{path}/{act}", status=404)
        page = await charlie.post("/replays", FORM | {"webhook": webhook}, 422)
        assert "There is no such webhook" in seen(page)
        query = f"webhook={webhook}&kind=ended&states=failed"
        for page in ("new", "confirm"):
            await charlie.get(f"/replays/{page}?{query}", 422)

    async def test_a_viewer_looks_only(self, alice, viewer, webhook):
        path = await start(alice, webhook)
        page = await viewer.get(path)
        assert "Pause" not in seen(page)
        await viewer.get("/replays/new", 403)
        await viewer.post("/replays", FORM | {"webhook": webhook}, 403)
        await viewer.post(f"{path}/cancel", status=403)
