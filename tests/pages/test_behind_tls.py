"""Behind TLS: what browsers are told to keep to themselves, and to do."""

import os
from collections.abc import AsyncIterator

import pytest

from callboard.config import Settings
from tests import make
from tests.cast import Cast
from tests.pages.signed_in import Browser, browser
from web.app import create_app

PUBLIC = "https://callboard.test"


@pytest.fixture
async def behind_tls(runtime) -> AsyncIterator[Browser]:
    settings = Settings.read({**os.environ, "PUBLIC_URL": PUBLIC})
    app = create_app(settings)
    async with browser(app, make.changed(runtime, settings=settings)) as opened:
        opened.client.base_url = PUBLIC
        yield opened


async def test_no_cookie_of_ours_can_be_read_or_set_by_others(behind_tls, cast: Cast):
    page = await behind_tls.get("/login")
    token = page.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
    who = {"email": "bob@acme.example", "password": make.PASSWORD}
    form = {"_csrf_token": token, **who}
    answer = await behind_tls.client.post("/login", data=form)
    made = [*answer.headers.get_list("Set-Cookie"), page.headers["Set-Cookie"]]
    assert len(made) == 3
    for each in made:
        assert each.startswith("__Host-callboard_")
        rules = {part.strip().lower() for part in each.split(";")}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= rules
        assert not any(rule.startswith("domain") for rule in rules)
    await behind_tls.get("/settings/sessions")
    form = {"_csrf_token": token}
    answer = await behind_tls.client.post("/logout", data=form)
    assert answer.headers["Set-Cookie"].startswith("__Host-callboard_session=")
    await behind_tls.get("/settings/sessions", 303)
