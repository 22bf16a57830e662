"""API keys: whose they are, what they may, and when they end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from callboard.accounts import keys
from callboard.accounts.tables import ApiKey
from callboard.errors import Invalid, NotFound
from tests.cast import Cast
from tests.make import NOW, later
from tests.problems import named


async def test_a_key_tells_whose_it_is(cast: Cast):
    key, secret = await keys.create(cast.alice.at(NOW), "shop", ["read"])
    assert secret.startswith("cb_")
    caller = await keys.find(secret, NOW)
    assert caller == keys.Caller(
        cast.alice.account, key.id, "shop", frozenset({"read"})
    )
    assert await keys.find(secret + "x", NOW) is None
    stored = await keys.get(cast.alice.account, key.id)
    assert secret not in str(stored.to_dict())
    assert secret.startswith(stored.hint)


async def test_no_scopes_mean_all(cast: Cast):
    caller = await keys.find(cast.alice.key, NOW)
    assert caller
    assert {"events:write", "read", "manage"} <= caller.scopes


async def test_a_revoked_key_is_refused_within_a_second(cast: Cast):
    key = (await keys.listed(cast.alice.account))[-1]
    secret = {p.member.email: p.key for p in (cast.alice, cast.bob)}[key.created_by]
    assert await keys.find(secret, NOW)
    # As another process would do it.
    await ApiKey.update({ApiKey.revoked_at: NOW}).where(ApiKey.id == key.id)
    assert await keys.find(secret, later(seconds=0.4))
    assert await keys.find(secret, later(seconds=1)) is None


async def test_revoking_here_counts_at_once(cast: Cast):
    key, secret = await keys.create(cast.alice.at(NOW), "shop", [])
    assert await keys.find(secret, NOW)
    await keys.revoke(cast.alice.at(NOW), key.id)
    await keys.revoke(cast.alice.at(later(days=1)), key.id)
    assert await keys.find(secret, NOW) is None
    assert (await keys.get(cast.alice.account, key.id)).revoked_at == NOW


async def test_its_use_is_noted_once_a_minute(cast: Cast):
    key, secret = await keys.create(cast.alice.at(NOW), "shop", [])
    seen = []
    for seconds in (0, 30, 59, 61):
        await keys.find(secret, later(seconds=seconds))
        seen.append((await keys.get(cast.alice.account, key.id)).used_at)
    assert seen == [NOW, NOW, NOW, later(seconds=61)]


async def test_many_calls_at_once_ask_the_database_little(
    cast: Cast, queries: Callable[[], Any]
):
    await keys.find(cast.alice.key, NOW)
    again = [keys.find(cast.alice.key, later(seconds=0.7)) for _ in range(50)]
    with queries() as seen:
        found = await asyncio.gather(*again)
    assert {each and each.account for each in found} == {cast.alice.account}
    assert len(seen) == 1


async def test_a_stranger_may_not_revoke(cast: Cast):
    key = (await keys.listed(cast.alice.account))[0]
    with pytest.raises(NotFound):
        await keys.revoke(cast.charlie.at(NOW), key.id)


async def test_all_problems_at_once(cast: Cast):
    with pytest.raises(Invalid) as problems:
        await keys.create(cast.alice.at(NOW), " ", ["fly"])
    assert named(problems.value.problems) == [
        ("name", "empty"),
        ("scopes", "unknown"),
    ]
