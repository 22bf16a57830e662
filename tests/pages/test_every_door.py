"""No door of the application opens to those whom it is not for, whichever it is."""

import httpx
import pytest
from litestar import Litestar

from callboard.runtime import Runtime
from tests.cast import Cast, person
from tests.doors import TYPE, Door, active_webhook, belongings_of, doors
from tests.pages.signed_in import Browser

# One's own things, and what only looks though it is a POST.
VIEWERS_MAY = {
    "POST /logout",
    "POST /settings/name",
    "POST /settings/password",
    "POST /settings/sessions/end-others",
    "POST /settings/sessions/{id:str}/end",
    "POST /webhooks/{id:str}/keys/verify",
}
# Where what is typed is judged before anything is looked for.
FORMS = {
    "POST /catalogue/{name:str}/edit": {"name": TYPE},
    "POST /settings/members/{id:str}/role": {"role": "viewer"},
}
READERS_MAY = {"POST /api/v1/webhooks/{id:str}/keys/verify"}


@pytest.fixture
async def things(cast: Cast, runtime: Runtime) -> dict[str, str]:
    """What alice has, one of each."""
    return await belongings_of(cast.alice, runtime)


async def call(browser: Browser, door: Door, path: str) -> httpx.Response:
    token = {"_csrf_token": await browser.token()}
    form = FORMS.get(str(door), {}) | token
    return await browser.client.request(door.method, path, data=form)


async def ask(
    client: httpx.AsyncClient, door: Door, path: str, webhook: str, key: str
) -> httpx.Response:
    bodies = {"SendIn": {"webhook": webhook}, "VerifyIn": {"headers": {}, "body": ""}}
    takes = door.opt.get("takes")
    body = bodies.get(takes.__name__, {}) if takes else None
    headers = {"Authorization": f"Bearer {key}"}
    return await client.request(door.method, path, json=body, headers=headers)


async def test_a_stranger_finds_nothing_of_anybody_elses(
    app: Litestar,
    runtime: Runtime,
    cast: Cast,
    things: dict[str, str],
    charlie: Browser,
    client: httpx.AsyncClient,
):
    own = await active_webhook(cast.charlie, runtime)
    found, seen = {}, set()
    for door in doors(app):
        if not door.parameter:
            continue
        path = door.filled(things)
        if door.is_api:
            answer = await ask(client, door, path, own, cast.charlie.key)
        else:
            answer = await call(charlie, door, path)
        found[str(door)] = answer.status_code
        seen.add(door.path)
    assert len(seen) > 50
    assert {door: status for door, status in found.items() if status != 404} == {}


async def test_what_the_stranger_does_not_find_is_there(
    app: Litestar,
    cast: Cast,
    things: dict[str, str],
    alice: Browser,
    client: httpx.AsyncClient,
):
    open_to_us = [door for door in doors(app) if door.parameter and door.is_safe]
    assert len(open_to_us) > 20
    for door in open_to_us:
        path = door.filled(things)
        if door.is_api:
            answer = await ask(client, door, path, "", cast.alice.key)
        else:
            answer = await call(alice, door, path)
        assert answer.status_code == 200, door


async def test_a_viewer_changes_nothing(app, things, viewer: Browser):
    found = {}
    for door in doors(app):
        if door.is_page and not door.is_safe and str(door) not in VIEWERS_MAY:
            answer = await call(viewer, door, door.filled(things))
            found[str(door)] = answer.status_code
    assert len(found) > 30
    assert {door: status for door, status in found.items() if status != 403} == {}


async def test_a_key_that_reads_changes_nothing(
    app: Litestar, cast: Cast, things: dict[str, str], client: httpx.AsyncClient
):
    reader = await person(cast.alice.account, "r@acme.example", "member", "read")
    found = {}
    for door in doors(app):
        if door.is_api and not door.is_safe and str(door) not in READERS_MAY:
            answer = await ask(client, door, door.filled(things), "", reader.key)
            found[str(door)] = answer.status_code
    assert len(found) > 20
    assert {door: status for door, status in found.items() if status != 403} == {}


async def test_nobody_comes_in_without_a_key_or_a_session(
    app: Litestar, things: dict[str, str], visitor: Browser, client: httpx.AsyncClient
):
    wrong = {}
    for door in doors(app):
        path = door.filled(things) if door.parameter else door.path
        if door.is_api:
            answer = await client.request(door.method, path)
            wanted = answer.status_code == 401
        elif door.is_page:
            answer = await call(visitor, door, path)
            to = answer.headers.get("Location", "")
            wanted = answer.status_code == 303 and to.startswith("/login")
        else:
            continue
        if not wanted:
            wrong[str(door)] = answer.status_code
    assert wrong == {}


async def test_no_page_takes_a_form_that_was_forged(
    app: Litestar, things: dict[str, str], alice: Browser
):
    """Another site's form comes with the cookies, but without the token."""
    await alice.get("/webhooks")
    found = {}
    for door in doors(app):
        if not (door.is_page and not door.is_safe):
            continue
        path = door.filled(things)
        for form in ({}, {"_csrf_token": "0" * 128}):
            answer = await alice.client.request(door.method, path, data=form)
            found[str(door)] = answer.status_code
    assert {door: status for door, status in found.items() if status != 403} == {}
