"""What is shown once stands on the page that an act leads to, and nowhere else."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from callboard.accounts.tables import ApiKey, AuditEntry, Member, OneTimeLink
from callboard.webhooks.tables import Webhook
from tests.pages.forms import FORM
from tests.pages.signed_in import seen
from web import cookies


@dataclass(frozen=True)
class Act:
    """`path`: `{id}` is a webhook. `pattern`: of what is shown once."""

    path: str
    pattern: str
    form: dict[str, Any] = field(default_factory=dict)


SECRET = r"whsec_[\w+/=]{40,}"
DAN = {"email": "dan@acme.example", "name": "Dan", "role": "viewer"}
KEY = Act("/settings/keys", r"cb_[\w-]{40,}", {"name": "Shop", "scopes": ["read"]})
ACTS = {
    "a new webhook": Act("/webhooks/new", SECRET, FORM),
    "a new signature": Act(
        "/webhooks/{id}/edit",
        r"<code>[0-9a-f]{64}</code>",
        FORM | {"signing_scheme": "hmac-sha512-hex"},
    ),
    "a new signing key": Act(
        "/webhooks/{id}/keys/rotate", SECRET, {"overlap_hours": "24"}
    ),
    "a secret, asked for": Act("/webhooks/{id}/keys/reveal", SECRET),
    "a new API key": KEY,
    "an invitation": Act("/settings/members", r"/join/[\w-]{40,}", DAN),
}


async def made() -> list[int]:
    """Whatever a second act would have made more of."""
    tables = (Webhook, ApiKey, Member, OneTimeLink, AuditEntry)
    return [await each.count() for each in tables]


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_a_reload_shows_nothing_and_makes_nothing(alice, engine, act: Act):
    id = await engine.webhook() if "{id}" in act.path else ""
    answer = await alice.post(act.path.format(id=id), act.form)
    path = answer.headers["Location"]
    before = await made()
    page = await alice.get(path)
    assert len(set(re.findall(act.pattern, page.text))) == 1
    again = await alice.get(path)
    assert not re.search(act.pattern, again.text)
    assert await made() == before
    for each in (answer, page, again):
        assert each.headers["Cache-Control"] == "no-store"
        assert not re.search(act.pattern, f"{each.url} {each.headers}")


class TestAKey:
    """What holds for one thing that is shown once holds for all: they have one home."""

    async def test_is_on_the_page_that_htmx_is_led_to(self, alice):
        answer = await alice.post_part("/settings/keys", KEY.form, 201)
        page = await alice.get(answer.headers["HX-Redirect"])
        assert re.search(KEY.pattern, page.text)

    async def test_is_gone_after_a_minute(self, alice, runtime):
        answer = await alice.post("/settings/keys", KEY.form)
        runtime.clock.skip(61)
        page = await alice.get(answer.headers["Location"])
        assert not re.search(KEY.pattern, page.text)

    async def test_is_not_seen_in_another_session(self, alice, bob):
        answer = await alice.post("/settings/keys", KEY.form)
        bob.client.cookies.set(cookies.ONCE, alice.client.cookies[cookies.ONCE])
        page = await bob.get(answer.headers["Location"])
        assert not re.search(KEY.pattern, page.text)

    async def test_is_not_seen_on_another_page_and_gone_after_it(self, alice):
        answer = await alice.post("/settings/keys", KEY.form)
        for path in ("/settings/members", answer.headers["Location"]):
            assert not re.search(KEY.pattern, (await alice.get(path)).text)

    async def test_stays_when_a_part_is_fetched_meanwhile(self, alice):
        answer = await alice.post("/settings/keys", KEY.form)
        await alice.part("/webhooks")
        page = await alice.get(answer.headers["Location"])
        assert re.search(KEY.pattern, page.text)


async def test_garbage_in_its_place_is_nothing(alice, engine):
    for garbage in ("", "x", "v1.AAAA", "v1." + "A" * 90, '"\\303"'):
        alice.client.cookies.set(cookies.ONCE, garbage)
        assert "No API keys" not in seen(await alice.get("/settings/keys"))


async def test_a_draft_can_be_activated_where_its_secret_was(alice, engine):
    path = (await alice.post("/webhooks/new", FORM)).headers["Location"]
    for _ in range(2):
        page = seen(await alice.get(path))
        assert "Draft. Nothing is sent yet." in page
    assert "This page shows a secret once" in page
    assert "Show the secret" in page


async def test_a_viewer_is_not_led_there(viewer, engine):
    id = await engine.webhook()
    page = await viewer.get(f"/webhooks/{id}/keys/secret", 403)
    assert "This needs the role member; yours is viewer." in seen(page)
