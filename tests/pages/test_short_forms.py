"""Strangers send short forms: nobody waits until a long one of theirs is read."""

import pytest

from tests.cast import Cast
from web.short_forms import SHORT

LONG = b"a=&" * (SHORT // 3 + 1)
TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("path", ["/login", "/webhooks/new", "/setup/x", "/activate/x"])
@pytest.mark.parametrize("cookie", ["", "callboard_session=made-up"])
async def test_a_strangers_long_form_is_not_read(visitor, cast: Cast, path, cookie):
    headers = {**TYPE, "Cookie": cookie}
    answer = await visitor.client.post(path, content=LONG, headers=headers)
    assert answer.status_code == 413
    assert "Sign in before you send as much" in answer.text


async def test_one_of_unknown_length_is_long(visitor, cast: Cast):
    async def sent():
        yield b"a="

    answer = await visitor.client.post("/login", content=sent(), headers=TYPE)
    assert answer.status_code == 413


async def test_whoever_is_signed_in_may_send_one(alice):
    form = {"name": "order.paid", "sample": '{"a": "' + "x" * 2 * SHORT + '"}'}
    answer = await alice.post("/catalogue/new", form)
    assert answer.headers["Location"].startswith("/catalogue")
