"""The form that makes a webhook and changes it."""

import re

from callboard.accounts.tables import Member
from callboard.webhooks.settings import settings_of
from callboard.webhooks.tables import Webhook
from tests.engine import TYPE, Engine
from tests.pages.forms import FORM, only
from tests.pages.signed_in import seen


async def test_offers_the_catalogue_in_groups_and_the_members(alice, engine):
    page = await alice.get("/webhooks/new")
    assert f'value="{TYPE}"' in page.text
    assert "See sample" in seen(page)
    assert "bob@acme.example" in seen(page)
    assert "Saving makes a draft." in seen(page)


async def test_saves_a_draft_and_shows_its_secret_this_once(alice, engine):
    alices = (await Member.objects().get(Member.name == "Alice")).id
    people = {"recipients": [alices], "addresses": "ops@example.org"}
    answer = await alice.shown("/webhooks/new", FORM | people)
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


async def test_a_draft_calls_nobody(alice, engine: Engine):
    form = FORM | {"url": engine.receiver.url}
    await alice.post("/webhooks/new", form)
    assert (await engine.post()).deliveries == 0


async def test_tells_all_problems_at_once_and_keeps_what_was_typed(alice, engine):
    wrong = FORM | {
        "url": "ftp://receiver.example",
        "events": [],
        "patterns": "no..thing",
        "addresses": "ops@example.org\nno body",
        "timeout": "99",
        "concurrency": "many",
        "headers": "X-Env: a\nnonsense",
        "retry_schedule": "soon",
        "ordered": "yes",
    }
    answer = await alice.post("/webhooks/new", wrong, 422)
    for sentence in (
        "Begin the URL with https:// or http://.",
        "“no body” is no address",
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


async def test_brings_an_own_secret(alice, engine):
    form = FORM | {"signing_secret": "whsec_" + "A" * 32}
    answer = await alice.shown("/webhooks/new", form)
    assert form["signing_secret"] in answer.text
    wrong = FORM | {"signing_secret": "my secret"}
    answer = await alice.post("/webhooks/new", wrong, 422)
    assert "Begin the secret with whsec_." in seen(answer)


async def test_brings_no_other_secret_for_the_same_signature(alice, engine):
    await alice.post("/webhooks/new", FORM)
    form = FORM | {"signing_secret": "whsec_" + "A" * 32, "timeout": "99"}
    answer = await alice.post(f"/webhooks/{(await only()).id}/edit", form, 422)
    for told in ("Rotate the keys to bring a new secret", "Give 1 to 20 whole seconds"):
        assert told in seen(answer)
    assert form["signing_secret"] in answer.text


async def test_without_a_signature_there_is_no_secret_to_show(alice, engine):
    answer = await alice.post("/webhooks/new", FORM | {"signing_scheme": "none"})
    assert answer.headers["Location"] == f"/webhooks/{(await only()).id}"


async def test_changes_a_webhook(alice, engine: Engine):
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


async def test_a_change_of_events_counts_for_the_next_event(alice, engine):
    id = await engine.webhook(events=("later.*",), schedule=())
    assert (await engine.post()).deliveries == 0
    await alice.post(f"/webhooks/{id}/edit", FORM | {"url": engine.receiver.url})
    assert (await engine.post()).deliveries == 1
    await engine.work()


async def test_what_the_form_shows_can_be_saved_unchanged(alice, engine):
    id = await engine.webhook(
        success=(200, 202), schedule=(), recipients=("ops@example.org",)
    )
    before = settings_of(await only())
    page = (await alice.get(f"/webhooks/{id}/edit")).text
    fields = dict(re.findall(r'<input id="f-(\w+)"[^>]* value="([^"]*)"', page))
    fields |= {"events": "*", "signing_scheme": "standard"}
    fields |= {"notify": FORM["notify"]}
    await alice.post(f"/webhooks/{id}/edit", fields | {"addresses": "ops@example.org"})
    assert settings_of(await only()) == before
