"""What another site's page, or a neighbour under our domain, makes a browser send."""

import gc
import warnings

import pytest

from callboard.accounts.tables import Session
from tests import make
from tests.cast import Cast
from tests.pages.signed_in import Browser, seen
from web import cookies

OURS = "http://callboard.test"
REFUSED = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://shop.callboard.test"},
    {"Sec-Fetch-Site": "cross-site", "Origin": OURS},
    {"Origin": "http://evil.example"},
    {"Origin": "http://callboard.test.evil.example"},
    {"Origin": "http://callboard.test:8001"},
    {"Origin": "null"},
]
TAKEN = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Origin": OURS},
    {"Origin": "http://10.0.0.7:8000", "Host": "10.0.0.7:8000"},
    {"Origin": OURS, "Host": "inner:8000"},
]


async def try_to_sign_out(browser: Browser, headers: dict[str, str]) -> int:
    form = {"_csrf_token": await browser.token()}
    answer = await browser.client.post("/logout", data=form, headers=headers)
    return answer.status_code


@pytest.mark.parametrize("headers", REFUSED, ids=str)
async def test_even_with_the_token_nothing_is_done_for_another_site(alice, headers):
    assert await try_to_sign_out(alice, headers) == 403
    assert await Session.count() == 1


@pytest.mark.parametrize("headers", TAKEN, ids=str)
async def test_our_own_pages_are_served(alice, headers):
    assert await try_to_sign_out(alice, headers) == 303
    assert await Session.count() == 0


async def test_nobody_is_signed_in_by_another_site(visitor, cast: Cast, runtime):
    token = await visitor.token()
    who = {"email": "charlie@elsewhere.example", "password": make.PASSWORD}
    headers = {"Sec-Fetch-Site": "same-site"}
    form = {"_csrf_token": token, **who}
    answer = await visitor.client.post("/login", data=form, headers=headers)
    assert answer.status_code == 403
    assert "Another site asked for this." in seen(answer)
    assert await Session.count() == 0


@pytest.mark.parametrize("token", ["é" * 128, "0" * 64 + "é" * 64, "", "x" * 9999])
async def test_a_token_of_nonsense_is_refused_and_no_fault(visitor, cast, token):
    await visitor.token()
    answer = await visitor.client.post("/login", data={"_csrf_token": token})
    assert answer.status_code == 403


async def test_a_file_is_no_token(visitor, cast: Cast):
    await visitor.token()
    files = {"_csrf_token": ("token.txt", b"0" * 128)}
    with warnings.catch_warnings(category=ResourceWarning, action="ignore"):
        answer = await visitor.client.post("/login", files=files)
        gc.collect()  # Litestar leaves the file of a refused form to this
    assert answer.status_code == 403


async def test_a_cookie_of_nonsense_is_refused_and_no_fault(visitor, cast: Cast):
    visitor.client.headers["Cookie"] = "callboard_csrf=" + "\xe9" * 128
    answer = await visitor.client.post("/login", data={"_csrf_token": "0" * 128})
    assert answer.status_code == 403


async def test_a_token_under_an_older_key_is_let_go_of(visitor, cast: Cast):
    visitor.client.cookies.set(cookies.CSRF, "0" * 128, "callboard.test")
    who = {"email": "alice@acme.example", "password": make.PASSWORD}
    await visitor.post("/login", who, 403)
    assert cookies.CSRF not in visitor.client.cookies
    await visitor.post("/login", who)
    assert await Session.count() == 1


async def test_a_planted_token_is_text(visitor, cast: Cast):
    planted = '"><b hx-post=/evil hx-trigger=load>'
    visitor.client.headers["Cookie"] = f"{cookies.CSRF}={planted}"
    page = await visitor.get("/login")
    assert page.text.count("hx-post=/evil") == 2
    assert "<b hx-post" not in page.text
