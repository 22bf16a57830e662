"""Webhooks as a person makes, changes, tries out, stops and deletes them."""

import re
from typing import Any

from standardwebhooks import Webhook as Receiver

from callboard import trial
from callboard.accounts.tables import Member
from callboard.webhooks.settings import settings_of
from callboard.webhooks.tables import Webhook
from tests.engine import TYPE, Engine
from tests.pages.signed_in import polled, seen

FORM: dict[str, Any] = {
    "url": "https://receiver.example/contacts",
    "events": [TYPE],
    "patterns": "",
    "signing_scheme": "standard",
    "signing_secret": "",
    "recipients": [],
    "addresses": "",
    "name": "CRM sync",
    "app": "",
    "headers": "",
    "success": "2xx",
    "retry_schedule": "120, 480",
    "timeout": "15",
    "rate_per_second": "",
    "concurrency": "10",
    "hold_days": "5",
    "deactivate_after": "1",
    "notify": ["failing", "deactivated", "reminder", "recovered"],
    "shown": TYPE,
}


async def only() -> Webhook:
    (row,) = await Webhook.objects()
    return row


class TestTheForm:
    async def test_offers_the_catalogue_in_groups_and_the_members(self, alice, engine):
        page = await alice.get("/webhooks/new")
        assert f'value="{TYPE}"' in page.text
        assert "See sample" in seen(page)
        assert "bob@acme.example" in seen(page)
        assert "Saving makes a draft." in seen(page)

    async def test_saves_a_draft_and_shows_its_secret_this_once(self, alice, engine):
        alices = (await Member.objects().get(Member.name == "Alice")).id
        people = {"recipients": [alices], "addresses": "ops@example.org"}
        answer = await alice.post("/webhooks/new", FORM | people, 200)
        assert "Draft. Nothing is sent yet." in seen(answer)
        (secret,) = set(re.findall(r"whsec_[\w+/=]+", answer.text))
        assert answer.headers["Cache-Control"] == "no-store"
        row = await only()
        assert row.state == "draft"
        saved = settings_of(row)
        assert (saved.name, saved.events) == ("CRM sync", (TYPE,))
        assert saved.recipients == (alices, "ops@example.org")
        assert saved.schedule == (120, 480)
        for tab in ("", "?tab=settings", "?tab=keys", "?tab=people"):
            page = await alice.get(f"/webhooks/{row.id}{tab}")
            assert secret not in page.text

    async def test_a_draft_calls_nobody(self, alice, engine: Engine):
        form = FORM | {"url": engine.receiver.url}
        await alice.post("/webhooks/new", form, 200)
        assert (await engine.post()).deliveries == 0

    async def test_tells_all_problems_at_once_and_keeps_what_was_typed(
        self, alice, engine
    ):
        wrong = FORM | {
            "url": "ftp://receiver.example",
            "events": [],
            "patterns": "no..thing",
            "addresses": "nobody",
            "timeout": "99",
            "concurrency": "many",
            "headers": "X-Env: a\nnonsense",
            "retry_schedule": "soon",
            "ordered": "yes",
        }
        answer = await alice.post("/webhooks/new", wrong, 422)
        for sentence in (
            "Begin the URL with https:// or http://.",
            "Choose a member, or write an address",
            "Give 1 to 20 whole seconds.",
            "Give 1 to 256 calls at a time.",
            "Write each header as Name: value.",
            "Give whole seconds from 1 to",
        ):
            assert sentence in seen(answer)
        for typed in ("ftp://receiver.example", "no..thing", "99", "many", "soon"):
            assert f'value="{typed}"' in answer.text
        assert "X-Env: a\nnonsense" in answer.text
        assert 'aria-invalid="true"' in answer.text
        assert not await Webhook.exists()

    async def test_brings_an_own_secret(self, alice, engine):
        form = FORM | {"signing_secret": "whsec_" + "A" * 32}
        answer = await alice.post("/webhooks/new", form, 200)
        assert form["signing_secret"] in answer.text
        wrong = FORM | {"signing_secret": "my secret"}
        answer = await alice.post("/webhooks/new", wrong, 422)
        assert "Begin the secret with whsec_." in seen(answer)

    async def test_without_a_signature_there_is_no_secret_to_show(self, alice, engine):
        answer = await alice.post("/webhooks/new", FORM | {"signing_scheme": "none"})
        assert answer.headers["Location"] == f"/webhooks/{(await only()).id}"

    async def test_changes_a_webhook(self, alice, engine: Engine):
        id = await engine.webhook(events=(TYPE, "later.*"), headers={"X-Env": "prod"})
        page = await alice.get(f"/webhooks/{id}/edit")
        assert 'value="later.*"' in page.text
        assert "X-Env: prod" in page.text
        form = FORM | {"patterns": "later.*", "rate_per_second": "2.5", "ordered": "1"}
        answer = await alice.post(f"/webhooks/{id}/edit", form)
        assert answer.headers["Location"] == f"/webhooks/{id}?tab=settings"
        saved = settings_of(await only())
        assert saved.events == (TYPE, "later.*")
        assert (saved.rate_per_second, saved.ordered) == (2.5, True)
        assert saved.headers == {}
        answer = await alice.post(f"/webhooks/{id}/edit", form | {"url": ""}, 422)
        assert 'value="later.*"' in answer.text

    async def test_a_change_of_events_counts_for_the_next_event(self, alice, engine):
        id = await engine.webhook(events=("later.*",), schedule=())
        assert (await engine.post()).deliveries == 0
        await alice.post(f"/webhooks/{id}/edit", FORM | {"url": engine.receiver.url})
        assert (await engine.post()).deliveries == 1
        await engine.work()

    async def test_what_the_form_shows_can_be_saved_unchanged(self, alice, engine):
        id = await engine.webhook(
            success=(200, 202), schedule=(), recipients=("ops@example.org",)
        )
        before = settings_of(await only())
        page = (await alice.get(f"/webhooks/{id}/edit")).text
        fields = dict(re.findall(r'<input id="f-(\w+)"[^>]* value="([^"]*)"', page))
        fields |= {"events": "*", "signing_scheme": "standard"}
        fields |= {"notify": FORM["notify"]}
        await alice.post(
            f"/webhooks/{id}/edit", fields | {"addresses": "ops@example.org"}
        )
        assert settings_of(await only()) == before


class TestTryingOut:
    async def test_calls_the_url_before_anything_is_saved(self, alice, engine: Engine):
        form = FORM | {"url": f"{engine.receiver.url}/try", "type": TYPE}
        answer = await alice.post("/webhooks/new/test", form, 200)
        (call,) = await engine.receiver.got(1, "/try")
        assert call.id.startswith("evt_test_")
        assert "webhook-signature" in call.headers
        assert "The receiver took the test: 200" in seen(answer)
        assert f'value="{form["url"]}"' in answer.text
        assert not await Webhook.exists()

    async def test_shows_what_a_receiver_answered_instead(self, alice, engine: Engine):
        engine.receiver.script("/no", 500)
        form = FORM | {"url": f"{engine.receiver.url}/no"}
        answer = await alice.post("/webhooks/new/test", form, 200)
        assert "The receiver refused the test: 500" in seen(answer)

    async def test_addresses_that_are_not_allowed_are_not_called(self, alice, engine):
        form = FORM | {"url": "http://10.0.0.1/"}
        answer = await alice.post("/webhooks/new/test", form, 200)
        assert "The test did not arrive: blocked" in seen(answer)

    async def test_needs_a_url_but_not_yet_events_and_people(self, alice, engine):
        form = FORM | {"url": "", "events": [], "addresses": "nobody"}
        answer = await alice.post("/webhooks/new/test", form, 422)
        assert "Choose a member" not in seen(answer)
        form = form | {"url": engine.receiver.url}
        await alice.post("/webhooks/new/test", form, 200)

    async def test_a_saved_webhook_signs_with_its_own_secret(self, alice, engine):
        id = await engine.webhook("/saved", active=False)
        answer = await alice.post(f"/webhooks/{id}/test", {"type": TYPE}, 200)
        assert "The receiver took the test: 200" in seen(answer)
        form = FORM | {"url": f"{engine.receiver.url}/saved"}
        await alice.post(f"/webhooks/{id}/edit/test", form, 200)
        for call in await engine.receiver.got(2, "/saved"):
            Receiver(engine.secrets[id]).verify(call.body, call.headers)

    async def test_is_limited_so_that_nobody_scans_with_it(
        self, alice, bob, engine, monkeypatch
    ):
        monkeypatch.setattr(trial, "MOST", 2)
        form = FORM | {"url": engine.receiver.url}
        for status in (200, 200, 429):
            answer = await alice.post("/webhooks/new/test", form, status)
        assert "Wait a quarter of an hour." in seen(answer)
        await bob.post("/webhooks/new/test", form, 200)

    async def test_the_preview_shows_the_request_and_sends_nothing(self, alice, engine):
        form = FORM | {"url": f"{engine.receiver.url}/preview", "headers": "X-Key: abc"}
        part = await alice.post_part("/webhooks/new/preview", form)
        assert "<html" not in part.text
        assert f"POST {engine.receiver.url}/preview" in seen(part)
        assert "abc" not in part.text
        part = await alice.post_part("/webhooks/new/preview", FORM | {"url": "x"}, 422)
        assert "once these are mended" in seen(part)
        assert engine.receiver.calls == []


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
        assert "1 delivery is held, about 2 Bytes, the oldest since" in said
        assert "Each is kept for 5 days, the first until" in said
        answer = await alice.post(f"/webhooks/{id}/activate", status=422)
        assert "1 delivery is held. What should become of it?" in seen(answer)
        await alice.post(f"/webhooks/{id}/activate", {"held": "deliver"})
        async with engine.working():
            await engine.receiver.got(1)
            await engine.settled()

    async def test_a_draft_has_nothing_to_stop(self, alice, engine: Engine):
        id = await engine.webhook(active=False)
        answer = await alice.post(f"/webhooks/{id}/pause", status=409)
        assert "A draft calls nobody" in seen(answer)

    async def test_a_new_secret_is_shown_once(self, alice, engine: Engine):
        id = await engine.webhook()
        form = {"overlap_hours": "24"}
        answer = await alice.post(f"/webhooks/{id}/keys/rotate", form, 200)
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

    async def test_asks_the_database_as_often_for_many(self, alice, engine, queries):
        counts = []
        for _ in range(2):
            await engine.webhook()
            with queries() as asked:
                await alice.get("/webhooks")
            counts.append(len(asked))
        assert counts[0] == counts[1] <= 12

    async def test_a_poll_brings_nothing_while_nothing_is_new(self, alice, engine):
        id = await engine.webhook()
        page = await alice.get(f"/webhooks/{id}")
        for start in (f"/webhooks/{id}?", f"/webhooks/{id}/header?"):
            path = polled(page, start)
            assert (await alice.part(path)).status_code == 204
        await alice.post(f"/webhooks/{id}/pause")
        assert "Paused" in seen(await alice.part(path))


PATHS = ("", "/edit", "/header", "/activate", "/deactivate", "/delete")
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
