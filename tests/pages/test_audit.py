"""The audit log, for owners: who did what, page by page."""

from callboard.accounts import audit, keys
from callboard.accounts.actor import Actor
from callboard.database import writing
from tests.engine import Engine
from tests.pages.forms import FORM
from tests.pages.signed_in import seen

LOG = "/settings/audit"


async def test_says_who_did_what_to_which_webhook(alice, bob, engine: Engine):
    webhook = await engine.webhook(name="CRM")
    await bob.post(f"/webhooks/{webhook}/pause")
    await alice.post(f"/webhooks/{webhook}/keys/reveal")
    page = seen(await alice.get(LOG))
    looked = f"alice@acme.example looked at a signing secret CRM {webhook} just now"
    paused = f"bob@acme.example paused a webhook CRM {webhook} just now"
    assert f"{looked} {paused}" in page


async def test_a_webhook_leads_to_what_was_done_to_it(alice, bob, engine: Engine):
    webhook = await engine.webhook(name="CRM")
    path = f"/webhooks/{webhook}?tab=settings"
    assert f'href="{LOG}?q={webhook}"' in (await alice.get(path)).text
    assert LOG not in (await bob.get(path)).text


async def test_names_what_a_change_has_changed(alice, engine: Engine):
    """The form sends all there is, each time."""
    id = await engine.webhook(name="CRM")
    changes = f"{LOG}?about=webhook&q=timeout"
    path, secret = f"/webhooks/{id}/edit", {"auth_type": "bearer", "auth_token": "abc"}
    for more in ({}, {"timeout": "12"}, {"timeout": "12"}):
        await alice.post(path, FORM | more)
    assert seen(await alice.part(changes)).count("alice@acme.example") == 1
    assert "CRM sync timeout wh_" in seen(await alice.part(changes))
    await alice.post(path, FORM | {"timeout": "13"} | secret)
    assert "CRM sync auth, timeout wh_" in seen(await alice.part(changes))
    await alice.post(path, FORM | {"timeout": "14"} | secret | {"auth_token": ""})
    assert seen(await alice.part(changes)).count("CRM sync timeout wh_") == 2


async def test_every_act_is_put_into_words(alice, engine: Engine):
    ada = Actor(engine.account, "ada@acme.example", engine.runtime.clock())
    async with writing():
        await audit.note(ada, "account.set_up")
        await audit.note(ada, "account.defaults_changed", engine.account)
        await audit.note(ada, "member.role_changed", "dan@acme.example", "owner")
        await audit.note(ada, "moon.landed_on", "Tranquility")
    page = seen(await alice.get(LOG))
    assert "ada@acme.example changed a role dan@acme.example owner just now" in page
    assert "ada@acme.example moon: landed on Tranquility just now" in page
    assert "changed the defaults just now" in page
    assert engine.account not in page


async def test_is_searched_and_narrowed(alice, engine: Engine):
    webhook = await engine.webhook(name="CRM")
    await keys.create(engine.by, "Shop", ["read"])
    rows = seen(await alice.part(f"{LOG}?about=key"))
    assert "made an API key Shop read" in rows
    assert "made an API key tests everything" in rows
    assert "webhook" not in rows
    for q in (webhook.upper(), "crm"):
        rows = seen(await alice.part(f"{LOG}?q={q}"))
        assert "activated a webhook" in rows
        assert "API key" not in rows
    assert "Nothing matches." in seen(await alice.get(f"{LOG}?about=key&q=crm"))


async def test_goes_on_where_the_page_before_ended(engine: Engine):
    async with writing():
        for number in range(5):
            await audit.note(engine.by, "key.created", str(number))
    found, cursor = [], None
    while True:
        page = await audit.page(engine.account, about="key", cursor=cursor, limit=2)
        found += [row.subject for row in page.items]
        if not (cursor := page.next):
            break
    assert found[:5] == ["4", "3", "2", "1", "0"]


async def test_is_for_owners_and_of_their_account(bob, viewer, charlie, engine: Engine):
    await engine.webhook(name="CRM")
    for browser in (bob, viewer):
        await browser.get(LOG, 403)
        assert LOG not in (await browser.get("/")).text
    page = await charlie.get(LOG)
    assert f'href="{LOG}"' in page.text
    assert "CRM" not in page.text
