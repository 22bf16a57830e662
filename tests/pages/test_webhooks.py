"""Webhooks as a person finds, stops and deletes them."""

import re

from tests.engine import TYPE, Engine
from tests.pages.forms import FORM, only
from tests.pages.signed_in import polled, seen
from tests.receiver import Answer


class TestItsLife:
    async def test_active_paused_deactivated_deleted(self, alice, engine: Engine):
        id = await engine.webhook(active=False)
        await alice.post(f"/webhooks/{id}/activate")
        assert "Active" in seen(await alice.get(f"/webhooks/{id}"))
        await alice.post(f"/webhooks/{id}/pause")
        assert "Paused since" in seen(await alice.get(f"/webhooks/{id}"))
        asked = await alice.get(f"/webhooks/{id}/deactivate")
        assert "No more calls go out to it." in seen(asked)
        await alice.post(f"/webhooks/{id}/deactivate")
        assert "Deactivated since" in seen(await alice.get(f"/webhooks/{id}"))
        assert "Delete" in seen(await alice.get(f"/webhooks/{id}/delete"))
        await alice.post(f"/webhooks/{id}/delete")
        await alice.get(f"/webhooks/{id}", 404)
        assert "No webhooks yet." in seen(await alice.get("/webhooks"))

    async def test_asks_what_becomes_of_what_is_held(self, alice, engine: Engine):
        id = await engine.webhook()
        await engine.pause(id)
        await engine.post()
        said = seen(await alice.get(f"/webhooks/{id}"))
        assert "1 delivery is held, about 2 bytes, the oldest since" in said
        assert "Each is kept for 5 days, the first until" in said
        answer = await alice.post(f"/webhooks/{id}/activate", status=422)
        assert "1 delivery is held. What should become of it?" in seen(answer)
        await alice.post(f"/webhooks/{id}/activate", {"held": "deliver"})
        said = seen(await alice.get(f"/webhooks/{id}"))
        assert "What was held is being sent: 1 delivery is left." in said
        async with engine.working():
            await engine.receiver.got(1)
            await engine.settled()
        assert "What was held" not in seen(await alice.get(f"/webhooks/{id}"))

    async def test_says_that_what_was_held_is_discarded(self, alice, engine: Engine):
        id = await engine.webhook()
        await engine.pause(id)
        await engine.post()
        await alice.post(f"/webhooks/{id}/activate", {"held": "discard"})
        said = seen(await alice.get(f"/webhooks/{id}"))
        assert "What was held is being discarded: 1 delivery is left." in said
        async with engine.working():
            await engine.followed()
        assert "What was held" not in seen(await alice.get(f"/webhooks/{id}"))

    async def test_a_receiver_can_be_tried_where_one_decides(
        self, alice, engine: Engine
    ):
        id = await engine.webhook("/back", events=("contact.*",))
        await engine.pause(id)
        await engine.post()
        asked = await alice.get(f"/webhooks/{id}/activate")
        assert f'formaction="/webhooks/{id}/test"' in asked.text
        tried = await alice.post_part(f"/webhooks/{id}/test", {"held": "deliver"})
        assert "The receiver took the test: 200" in seen(tried)
        assert await engine.state(id) == "paused"

    async def test_a_draft_has_nothing_to_stop(self, alice, engine: Engine):
        id = await engine.webhook(active=False)
        answer = await alice.post(f"/webhooks/{id}/pause", status=409)
        assert "A draft calls nobody" in seen(answer)

    async def test_a_new_secret_is_shown_once(self, alice, engine: Engine):
        id = await engine.webhook()
        form = {"overlap_hours": "24"}
        answer = await alice.shown(f"/webhooks/{id}/keys/rotate", form)
        assert re.search(r"whsec_[\w+/=]{40,}", answer.text)
        assert "The old secret signs beside it until" in seen(answer)
        page = await alice.get(f"/webhooks/{id}?tab=keys")
        assert "The older key" in seen(page)
        for wrong in ("", "-1", "721", "x"):
            form = {"overlap_hours": wrong}
            await alice.post(f"/webhooks/{id}/keys/rotate", form, 422)
        await alice.get(f"/webhooks/{id}/keys/rotate", 405)


class TestTheList:
    async def test_shows_and_finds_webhooks(self, alice, engine: Engine):
        await engine.webhook("/a", name="CRM sync")
        await engine.webhook("/b", name="Billing", active=False)
        page = seen(await alice.get("/webhooks"))
        assert "CRM sync" in page
        assert "every event" in page
        part = await alice.part("/webhooks?q=bill")
        assert "<html" not in part.text
        assert "Billing" in part.text
        assert "CRM sync" not in part.text
        assert "No webhook matches" in seen(await alice.get("/webhooks?q=nix"))

    async def test_says_which_events_each_gets(self, alice, engine: Engine):
        for events in (("*",), (TYPE,), (TYPE, "later.*", "order.*")):
            await engine.webhook(events=events)
        page = seen(await alice.get("/webhooks"))
        assert f"{TYPE} and 2 more" in page
        assert "every event" in page

    async def test_asks_the_database_as_often_for_many(self, alice, engine, queries):
        counts = []
        for _ in range(2):
            await engine.webhook()
            with queries() as asked:
                await alice.get("/webhooks")
            counts.append(len(asked))
        assert counts[0] == counts[1] <= 14

    async def test_a_poll_brings_nothing_while_nothing_is_new(self, alice, engine):
        id = await engine.webhook()
        page = await alice.get(f"/webhooks/{id}")
        for part in ("/facts?", "?", "/header?"):
            start = f"/webhooks/{id}{part}"
            path = polled(page, start)
            assert (await alice.part(path)).status_code == 204
        await alice.post(f"/webhooks/{id}/pause")
        assert "Paused" in seen(await alice.part(path))

    async def test_its_side_tells_of_the_last_delivery_without_a_reload(
        self, alice, engine: Engine
    ):
        id = await engine.webhook()
        path = polled(await alice.get(f"/webhooks/{id}"), f"/webhooks/{id}/facts?")
        async with engine.working():
            await engine.post()
            await engine.settled()
        assert "1 delivered, 0 failed." in seen(await alice.part(path))

    async def test_its_side_counts_what_is_tried_again(self, alice, engine: Engine):
        engine.receiver.usually["/"] = Answer(503)
        id = await engine.webhook(schedule=(3600,))
        async with engine.working():
            await engine.post()
            await engine.receiver.got(1)
            await engine.tried()
        page = seen(await alice.get(f"/webhooks/{id}"))
        assert "0 delivered, 1 tried again, 0 failed." in page
        assert "Last delivery Trying again" in page

    async def test_says_what_it_keeps_only_where_it_does(self, alice, engine: Engine):
        id = await engine.webhook(hold_days=0)
        await engine.pause(id)
        page = seen(await alice.get(f"/webhooks/{id}"))
        assert "Nothing is held. New events are not kept." in page

    async def test_who_fails_with_nobody_told_says_so(self, alice, engine: Engine):
        engine.receiver.usually["/"] = Answer(503)
        id = await engine.webhook(schedule=(), deactivate_after=None)
        async with engine.working():
            await engine.post()
            await engine.settled()
        assert "Nobody is told by mail" in seen(await alice.get(f"/webhooks/{id}"))
        for path in (f"/webhooks/{id}", "/webhooks"):
            page = seen(await alice.get(path))
            assert "Failing" in page
            assert "Active" not in page

    async def test_a_long_url_shows_its_ends_and_all_of_it_on_demand(
        self, alice, engine: Engine
    ):
        url = "https://r.example/" + "a" * 100 + "/orders?trace=always"
        id = await engine.webhook(url=url)
        ends = r"https://r\.example/a+…orders\?trace=always"
        page = await alice.get(f"/webhooks/{id}")
        (clipped,) = re.findall(r"<details class=.clipped.*?</details>", page.text)
        assert re.search(f"<summary>.*{ends}<.*{re.escape(url)}.*</summary>", clipped)
        assert re.search(ends, seen(await alice.get("/webhooks")))


PATHS = ("", "/edit", "/header", "/facts", "/activate", "/deactivate", "/delete")
ACTS = (
    *("/edit", "/edit/preview", "/edit/test", "/test", "/activate", "/pause"),
    *("/deactivate", "/keys/rotate", "/delete"),
)


class TestWhoMay:
    async def test_charlie_finds_none_of_it(self, charlie, engine: Engine):
        id = await engine.webhook()
        for path in PATHS:
            await charlie.get(f"/webhooks/{id}{path}", 404)
        for path in ACTS:
            form = FORM | {"type": TYPE, "overlap_hours": "1"}
            await charlie.post(f"/webhooks/{id}{path}", form, 404)
        assert "No webhooks yet." in seen(await charlie.get("/webhooks"))

    async def test_a_viewer_reads_and_changes_nothing(self, viewer, engine: Engine):
        id = await engine.webhook()
        page = seen(await viewer.get(f"/webhooks/{id}"))
        assert "Pause" not in page.replace("Paused", "")
        await viewer.get("/webhooks/new", 403)
        await viewer.get(f"/webhooks/{id}/edit", 403)
        for path in ACTS:
            answer = await viewer.post(f"/webhooks/{id}{path}", FORM, 403)
        assert "This needs the role member; yours is viewer." in seen(answer)
        assert (await only()).state == "active"

    async def test_visitors_sign_in_first(self, visitor, engine: Engine):
        id = await engine.webhook()
        answer = await visitor.get(f"/webhooks/{id}", 303)
        assert answer.headers["Location"] == f"/login?next=/webhooks/{id}"
        part = await visitor.part(f"/webhooks/{id}/header")
        assert part.headers["HX-Redirect"].startswith("/login")

    async def test_without_the_forms_token_nothing_happens(self, alice, engine):
        id = await engine.webhook()
        answer = await alice.client.post(f"/webhooks/{id}/delete")
        assert answer.status_code == 403
        assert (await only()).state == "active"
