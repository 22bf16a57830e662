"""A receiver that asks who calls, on the pages: typed, kept, shown to whom."""

from datetime import timedelta
from typing import Any

import pytest

from callboard.auth.settings import Auth
from callboard.webhooks.settings import as_json
from callboard.webhooks.tables import Webhook
from tests.certificates import authority, issue
from tests.engine import Engine
from tests.make import NOW
from tests.pages.forms import FORM, only
from tests.pages.signed_in import Browser, seen
from tests.receiver import Answer

SECRET = "s3cret-of-the-receiver"
BASIC = {"auth_type": "basic", "auth_username": "ann", "auth_password": SECRET}


async def save(alice: Browser, **typed: Any) -> Webhook:
    await alice.post("/webhooks/new", FORM | typed)
    return await only()


async def test_the_form_offers_all_kinds_and_begins_with_none(alice, engine):
    page = await alice.get("/webhooks/new")
    assert 'name="auth_type" value="none" checked' in page.text
    for kind in ("basic", "header", "bearer", "oauth2", "mtls"):
        assert f'name="auth_type" value="{kind}"' in page.text
        assert f'data-kind="{kind}"' in page.text


async def test_what_is_typed_for_other_kinds_is_left_alone(alice, engine):
    row = await save(alice, **BASIC, auth_token="t", auth_token_url="nonsense")
    assert '"shown":{"username":"ann"}' in row.auth
    assert SECRET not in row.auth


async def test_a_secret_that_is_left_empty_stays(alice, engine):
    row = await save(alice, **BASIC, url=engine.receiver.url)
    path = f"/webhooks/{row.id}/edit"
    page = await alice.get(path)
    assert SECRET not in page.text
    assert "Set. Leave it empty to keep it." in page.text
    changed = FORM | BASIC | {"url": engine.receiver.url, "auth_password": ""}
    await alice.post(path, changed | {"auth_username": "bob"})
    assert '"username":"bob"' in (await only()).auth
    await alice.post(f"{path}/test", changed, 200)
    (call,) = await engine.receiver.got(1)
    assert call.headers["authorization"].startswith("Basic YW5uOnMzY3JldC1")


async def test_problems_stand_at_their_fields_and_nothing_typed_is_lost(alice, engine):
    wrong = {
        "auth_type": "oauth2",
        "auth_token_url": "nonsense",
        "auth_client_secret": SECRET,
    }
    page = await alice.post("/webhooks/new", FORM | wrong, 422)
    assert 'href="#f-auth_token_url"' in page.text
    assert 'href="#f-auth_client_id"' in page.text
    assert f'value="{SECRET}"' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    unknown = await alice.post("/webhooks/new", FORM | {"auth_type": "magic"}, 422)
    assert "Choose one of none, basic" in seen(unknown)


async def test_the_preview_hides_and_the_test_shows(alice, engine):
    form = FORM | BASIC | {"url": engine.receiver.url}
    part = await alice.post_part("/webhooks/new/preview", form)
    assert "Authorization: ••••" in seen(part)
    part = await alice.post_part("/webhooks/new/test", form)
    assert "took the test" in seen(part)
    assert SECRET not in part.text
    (call,) = await engine.receiver.got(1)
    assert call.headers["authorization"].startswith("Basic ")


async def test_a_test_tells_what_the_token_server_said(alice, engine: Engine):
    receiver = engine.receiver
    receiver.usually["/token"] = Answer(401, body=b'{"error": "invalid_client"}')
    form = FORM | {
        "url": receiver.url,
        "auth_type": "oauth2",
        "auth_token_url": receiver.url + "/token",
        "auth_client_id": "me",
        "auth_client_secret": SECRET,
    }
    part = await alice.post_part("/webhooks/new/test", form)
    assert "The token server answered 401 (invalid_client)." in seen(part)


@pytest.mark.parametrize(
    ("days", "told"), [(40, None), (20, "ends in"), (-1, "ended 24 h ago")]
)
async def test_a_certificate_is_told_before_its_end(alice, engine, days, told):
    begins, ends = NOW - timedelta(days=9), NOW + timedelta(days=days)
    ours = issue("client", authority("Acme root"), begins=begins, ends=ends)
    id = await engine.webhook()
    kept = Auth("mtls", {"certificate": ours.pem}, sealed="x").kept()
    await Webhook.update({Webhook.auth: as_json(kept)}).where(Webhook.id == id)
    page = seen(await alice.get(f"/webhooks/{id}?tab=settings"))
    assert "the client certificate CN=client , issued by CN=Acme root" in page
    assert ("Its client certificate" in page) is (told is not None)
    assert told is None or told in page


async def test_viewers_see_names_but_no_values(viewer, alice, engine):
    row = await save(alice, **BASIC, headers="X-Key: shh-own-header")
    page = await viewer.get(f"/webhooks/{row.id}?tab=settings")
    assert "X-Key: ••••" in seen(page)
    assert "user name ann with a password" in seen(page)
    assert "shh-own-header" not in page.text
    mine = await alice.get(f"/webhooks/{row.id}?tab=settings")
    assert "X-Key: shh-own-header" in seen(mine)
    assert SECRET not in mine.text
