"""However many web processes there are, a guesser has as many tries as with one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from callboard.accounts import signing_in
from callboard.config import Settings
from callboard.errors import LimitReached
from callboard.notices import forgotten
from callboard.tries import SharedTries, open_tries
from tests.cast import Cast
from tests.make import NOW, PASSWORD

pytestmark = pytest.mark.once

SPAN = timedelta(minutes=15)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    async with Redis.from_url(settings.redis_url) as opened:
        await opened.flushdb()
        yield opened


@pytest.fixture
async def tries(redis: Redis, settings: Settings) -> AsyncIterator[SharedTries]:
    opened = open_tries(settings.redis_url)
    yield opened
    await opened.close()


async def try_elsewhere(
    email: str, password: str, tries: SharedTries, network: str = "192.0.2.1"
) -> object:
    """At a web process that has seen nothing yet."""
    signing_in.sign_ins.clear()
    return await signing_in.sign_in(email, password, NOW, network, "", tries)


async def test_guessing_ends_after_ten_tries_wherever_they_were(
    cast: Cast, tries: SharedTries
):
    email = cast.bob.member.email
    for _ in range(10):
        assert await try_elsewhere(email, "wrong", tries) is None
    with pytest.raises(LimitReached):
        await try_elsewhere(email, PASSWORD, tries)
    assert await try_elsewhere(email, PASSWORD, tries, "192.0.2.2")


async def test_good_sign_ins_do_not_count(cast: Cast, tries: SharedTries):
    for _ in range(12):
        assert await try_elsewhere(cast.bob.member.email, PASSWORD, tries)


async def test_who_asks_for_links_is_counted_wherever_it_was(tries: SharedTries):
    async def ask_elsewhere(network: str) -> None:
        forgotten.limit.clear()
        await forgotten.admit(network, NOW, tries)

    for _ in range(20):
        await ask_elsewhere("192.0.2.1")
    with pytest.raises(LimitReached):
        await ask_elsewhere("192.0.2.1")
    await ask_elsewhere("192.0.2.2")
    assert await tries.count({("from", "192.0.2.1"): 1}, SPAN)  # of sign-ins, none


async def test_without_redis_each_process_counts_for_itself(cast: Cast):
    away = open_tries("redis://127.0.0.1:1/0")
    email = cast.bob.member.email
    for _ in range(10):
        await signing_in.sign_in(email, "wrong", NOW, "", "", away)
    with pytest.raises(LimitReached):
        await signing_in.sign_in(email, PASSWORD, NOW, "", "", away)
    assert await try_elsewhere(email, PASSWORD, away)
    await away.close()


async def test_many_at_once_do_not_slip_through(tries: SharedTries):
    found = await asyncio.gather(*(tries.count({"a": 10}, SPAN) for _ in range(50)))
    assert found.count(True) == 10


async def test_what_is_refused_counts_nowhere(tries: SharedTries):
    assert await tries.count({"a": 1}, SPAN)
    for _ in range(5):
        assert not await tries.count({"a": 1, "b": 2}, SPAN)
    assert await tries.count({"b": 1}, SPAN)


async def test_a_good_try_is_taken_back_from_what_others_share(tries: SharedTries):
    for _ in range(2):
        await tries.count({"own": 9, "shared": 9}, SPAN)
    await tries.forgive(["own"], ["shared", "never tried"])
    assert await tries.count({"own": 1}, SPAN)
    assert await tries.count({"shared": 2}, SPAN)
    assert not await tries.count({"shared": 2}, SPAN)
    assert await tries.count({"never tried": 1}, SPAN)


async def test_tries_are_forgotten_after_a_while_and_name_nobody(
    redis: Redis, tries: SharedTries
):
    await tries.count({("email", "bob@acme.example"): 9}, SPAN)
    await tries.forgive([], [("email", "bob@acme.example")])
    (name,) = await redis.keys("*")
    assert b"bob" not in name
    assert 0 < await redis.pttl(name) <= SPAN.total_seconds() * 1000
