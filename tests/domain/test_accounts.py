"""Accounts, and the link that gives the first one its owner."""

import asyncio

import pytest

from callboard.accounts import accounts, setup, signing_in
from callboard.accounts.tables import Member
from callboard.config import Settings
from callboard.errors import Invalid, NotFound
from tests.cast import Cast
from tests.make import NOW, PASSWORD, later
from tests.problems import named

pytestmark = pytest.mark.usefixtures("db")


async def set_up_token(settings: Settings) -> str:
    await accounts.add("Callboard", NOW)
    link = await setup.link(settings, NOW)
    assert link
    start = "http://callboard.test/setup/"
    assert link.startswith(start)
    return link.removeprefix(start)


class TestSetUp:
    async def test_names_the_account_and_makes_its_owner(self, settings):
        token = await set_up_token(settings)
        ada = await setup.complete(
            token, "Acme", "Ada", " Ada@Acme.example ", PASSWORD, later(hours=23)
        )
        assert (ada.email, ada.role) == ("ada@acme.example", "owner")
        account = await accounts.first()
        assert account
        assert (account.id, account.name) == (ada.account, "Acme")
        assert await signing_in.sign_in("ADA@acme.example", PASSWORD, NOW)

    async def test_works_once(self, settings):
        token = await set_up_token(settings)
        await setup.complete(token, "Acme", "", "ada@acme.example", PASSWORD, NOW)
        with pytest.raises(NotFound):
            await setup.complete(token, "Acme", "", "eve@acme.example", PASSWORD, NOW)
        assert await setup.link(settings, NOW) is None

    async def test_of_two_at_once_one_wins(self, settings):
        token = await set_up_token(settings)
        tries = (
            setup.complete(token, "Acme", "", f"{name}@acme.example", PASSWORD, NOW)
            for name in ("ada", "eve")
        )
        ends = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(end).__name__ for end in ends) == ["Member", "NotFound"]
        assert await Member.count() == 1

    async def test_a_newer_link_voids_the_older(self, settings):
        old = await set_up_token(settings)
        await setup.link(settings, NOW)
        with pytest.raises(NotFound):
            await setup.complete(old, "Acme", "", "ada@acme.example", PASSWORD, NOW)

    async def test_lasts_a_day(self, settings):
        token = await set_up_token(settings)
        with pytest.raises(NotFound):
            await setup.complete(
                token, "Acme", "", "ada@acme.example", PASSWORD, later(hours=24)
            )

    async def test_tells_all_problems_at_once_and_keeps_the_link(self, settings):
        token = await set_up_token(settings)
        with pytest.raises(Invalid) as problems:
            await setup.complete(token, " ", "", "ada", "short", NOW)
        assert named(problems.value.problems) == [
            ("account", "empty"),
            ("email", "email"),
            ("password", "too_short"),
        ]
        assert await setup.complete(token, "A", "", "a@b.example", PASSWORD, NOW)


async def test_accounts_are_found_by_name_and_by_id(cast: Cast):
    by_name = await accounts.find("Elsewhere")
    assert by_name
    assert by_name.id == cast.charlie.account
    by_id = await accounts.find(cast.charlie.account)
    assert by_id
    assert by_id.name == "Elsewhere"
    assert await accounts.find("Nowhere") is None
