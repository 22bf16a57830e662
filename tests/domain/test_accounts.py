"""Who may come in: members, their sessions, API keys."""

import asyncio

import pytest

from callboard.accounts import accounts, audit, keys, members, passwords, sessions
from callboard.accounts.tables import ApiKey, Member
from callboard.config import Settings
from callboard.errors import Conflict, Invalid, LimitReached, NotFound
from tests.cast import Cast
from tests.make import NOW, PASSWORD, later

pytestmark = pytest.mark.usefixtures("db")


def fields(problems: Invalid) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in problems.problems]


async def set_up_token(settings: Settings) -> str:
    await accounts.add("Callboard", NOW)
    link = await members.setup_link(settings, NOW)
    assert link
    start = "http://callboard.test/setup/"
    assert link.startswith(start)
    return link.removeprefix(start)


class TestSetUp:
    async def test_names_the_account_and_makes_its_owner(self, settings):
        token = await set_up_token(settings)
        ada = await members.set_up(
            token, "Acme", "Ada", " Ada@Acme.example ", PASSWORD, later(hours=23)
        )
        assert (ada.email, ada.role) == ("ada@acme.example", "owner")
        account = await accounts.first()
        assert account
        assert (account.id, account.name) == (ada.account, "Acme")
        assert await members.sign_in("ADA@acme.example", PASSWORD, NOW)

    async def test_works_once(self, settings):
        token = await set_up_token(settings)
        await members.set_up(token, "Acme", "", "ada@acme.example", PASSWORD, NOW)
        with pytest.raises(NotFound):
            await members.set_up(token, "Acme", "", "eve@acme.example", PASSWORD, NOW)
        assert await members.setup_link(settings, NOW) is None

    async def test_of_two_at_once_one_wins(self, settings):
        token = await set_up_token(settings)
        tries = (
            members.set_up(token, "Acme", "", f"{name}@acme.example", PASSWORD, NOW)
            for name in ("ada", "eve")
        )
        ends = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(end).__name__ for end in ends) == ["Member", "NotFound"]
        assert await Member.count() == 1

    async def test_a_newer_link_voids_the_older(self, settings):
        old = await set_up_token(settings)
        await members.setup_link(settings, NOW)
        with pytest.raises(NotFound):
            await members.set_up(old, "Acme", "", "ada@acme.example", PASSWORD, NOW)

    async def test_lasts_a_day(self, settings):
        token = await set_up_token(settings)
        with pytest.raises(NotFound):
            await members.set_up(
                token, "Acme", "", "ada@acme.example", PASSWORD, later(hours=24)
            )

    async def test_tells_all_problems_at_once_and_keeps_the_link(self, settings):
        token = await set_up_token(settings)
        with pytest.raises(Invalid) as problems:
            await members.set_up(token, " ", "", "ada", "short", NOW)
        assert fields(problems.value) == [
            ("account", "empty"),
            ("email", "email"),
            ("password", "too_short"),
        ]
        assert await members.set_up(token, "A", "", "a@b.example", PASSWORD, NOW)


class TestMembers:
    async def test_an_invited_member_joins_with_a_password(self, cast: Cast):
        account = cast.alice.account
        dora, token = await members.invite(
            account, "dora@acme.example", "Dora", "viewer", NOW, by="alice"
        )
        assert await members.sign_in(dora.email, "", NOW) is None
        assert (await members.invited(token, NOW)).id == dora.id
        await members.join(token, PASSWORD, NOW)
        found = await members.sign_in(dora.email, PASSWORD, NOW)
        assert found
        assert found.id == dora.id
        with pytest.raises(NotFound):
            await members.join(token, "another password", NOW)

    async def test_a_new_link_sets_the_password_anew(self, cast: Cast):
        bob = cast.bob.member
        session = await sessions.start(bob, NOW)
        token = await members.new_link(bob.account, bob.id, NOW)
        await members.join(token, "battery staple", NOW)
        assert await sessions.find(session, NOW) is None
        assert await members.sign_in(bob.email, PASSWORD, NOW) is None
        assert await members.sign_in(bob.email, "battery staple", NOW)

    async def test_an_address_signs_in_to_one_account_only(self, cast: Cast):
        with pytest.raises(Conflict):
            await members.invite(
                cast.alice.account, cast.charlie.member.email, "", "member", NOW
            )
        assert len(await members.listed(cast.alice.account)) == 2

    async def test_the_last_owner_stays(self, cast: Cast):
        alice = cast.alice.member
        with pytest.raises(Conflict):
            await members.remove(alice.account, alice.id, NOW)
        with pytest.raises(Conflict):
            await members.change_role(alice.account, alice.id, "viewer", NOW)
        await members.invite(alice.account, "dora@acme.example", "", "owner", NOW)
        with pytest.raises(Conflict):  # one who has not joined cannot open the door
            await members.remove(alice.account, alice.id, NOW)

    async def test_two_owners_who_remove_each_other_leave_one(self, cast: Cast):
        alice, bob = cast.alice.member, cast.bob.member
        await members.change_role(bob.account, bob.id, "owner", NOW)
        ends = await asyncio.gather(
            members.remove(bob.account, bob.id, NOW),
            members.remove(alice.account, alice.id, NOW),
            return_exceptions=True,
        )
        assert [type(end) for end in ends if end] == [Conflict]
        assert len(await members.listed(alice.account)) == 1

    async def test_a_removed_member_is_out_at_once(self, cast: Cast):
        bob = cast.bob.member
        session = await sessions.start(bob, NOW)
        link = await members.new_link(bob.account, bob.id, NOW)
        await members.remove(bob.account, bob.id, NOW, by="alice@acme.example")
        assert await sessions.find(session, NOW) is None
        assert await members.sign_in(bob.email, PASSWORD, NOW) is None
        with pytest.raises(NotFound):
            await members.join(link, PASSWORD, NOW)
        entry = (await audit.listed(bob.account))[0]
        assert (entry.actor, entry.act) == ("alice@acme.example", "member.removed")

    async def test_a_stranger_reaches_nobody(self, cast: Cast):
        theirs, bob = cast.charlie.account, cast.bob.member
        for act in (
            members.remove(theirs, bob.id, NOW),
            members.change_role(theirs, bob.id, "viewer", NOW),
            members.new_link(theirs, bob.id, NOW),
        ):
            with pytest.raises(NotFound):
                await act

    @pytest.mark.parametrize(
        "email",
        ["", "ada", "ada@", "@acme.example", "a b@acme.example", "a@b@c", "a@acme..d"],
    )
    async def test_odd_addresses_are_refused(self, cast: Cast, email: str):
        with pytest.raises(Invalid):
            await members.invite(cast.alice.account, email, "", "member", NOW)


class TestSignIn:
    async def test_wrong_passwords_and_unknown_addresses_look_alike(self, cast: Cast):
        assert await members.sign_in(cast.bob.member.email, "wrong", NOW) is None
        assert await members.sign_in("nobody@acme.example", PASSWORD, NOW) is None

    async def test_guessing_ends_after_ten_tries(self, cast: Cast):
        email = cast.bob.member.email
        for _ in range(10):
            await members.sign_in(email, "wrong", NOW, "192.0.2.1")
        with pytest.raises(LimitReached):
            await members.sign_in(email, PASSWORD, NOW, "192.0.2.1")
        assert await members.sign_in(email, PASSWORD, NOW, "192.0.2.2")
        assert await members.sign_in(email, PASSWORD, later(minutes=15), "192.0.2.1")

    async def test_one_address_may_not_guess_for_many_members(self, cast: Cast):
        members.sign_ins.count({("from", "192.0.2.1"): 50}, NOW)
        for _ in range(49):
            members.sign_ins.count({("from", "192.0.2.1"): 50}, NOW)
        with pytest.raises(LimitReached):
            await members.sign_in(cast.bob.member.email, PASSWORD, NOW, "192.0.2.1")

    async def test_good_sign_ins_do_not_count(self, cast: Cast):
        for _ in range(12):
            assert await members.sign_in(cast.bob.member.email, PASSWORD, NOW)

    async def test_a_dated_hash_is_made_anew(self, cast: Cast):
        bob = cast.bob.member
        assert passwords.is_dated(bob.password_hash)
        await members.sign_in(bob.email, PASSWORD, NOW)
        found = await members.get(bob.account, bob.id)
        assert not passwords.is_dated(found.password_hash)
        assert await members.sign_in(bob.email, PASSWORD, NOW)

    async def test_changing_the_password_keeps_only_this_session(self, cast: Cast):
        bob = cast.bob.member
        here, there = [await sessions.start(bob, NOW) for _ in range(2)]
        current = await sessions.find(here, NOW)
        assert current
        with pytest.raises(Invalid) as problems:
            await members.change_password(bob, "wrong", "short", NOW)
        assert fields(problems.value) == [("old", "wrong"), ("password", "too_short")]
        await members.change_password(
            bob, PASSWORD, "battery staple", NOW, keep=current.session
        )
        assert await sessions.find(here, NOW)
        assert await sessions.find(there, NOW) is None


class TestSessions:
    async def test_a_session_lives_on_while_it_is_used(self, cast: Cast):
        token = await sessions.start(cast.bob.member, NOW, "Firefox")
        found = await sessions.find(token, later(days=13))
        assert found
        assert found.member.email == cast.bob.member.email
        assert found.account.name == "Acme"
        assert await sessions.find(token, later(days=26))
        assert await sessions.find(token, later(days=41)) is None

    async def test_an_ended_session_is_over(self, cast: Cast):
        token = await sessions.start(cast.bob.member, NOW)
        other = await sessions.start(cast.bob.member, NOW)
        found = await sessions.find(token, NOW)
        assert found
        await sessions.end(found.session)
        assert await sessions.find(token, NOW) is None
        assert len(await sessions.listed(cast.bob.member, NOW)) == 1
        await sessions.end_all(cast.bob.member)
        assert await sessions.find(other, NOW) is None

    async def test_the_stored_row_does_not_sign_in(self, cast: Cast):
        await sessions.start(cast.bob.member, NOW)
        stored = (await sessions.listed(cast.bob.member, NOW))[0].token_hash
        assert await sessions.find(stored, NOW) is None


class TestKeys:
    async def test_a_key_tells_whose_it_is(self, cast: Cast):
        key, secret = await keys.create(
            cast.alice.account, "shop", ["read"], "alice@acme.example", NOW
        )
        assert secret.startswith("cb_")
        caller = await keys.find(secret, NOW)
        assert caller == keys.Caller(
            cast.alice.account, key.id, "shop", frozenset({"read"})
        )
        assert await keys.find(secret + "x", NOW) is None
        stored = await keys.get(cast.alice.account, key.id)
        assert secret not in str(stored.to_dict())
        assert secret.startswith(stored.hint)

    async def test_no_scopes_mean_all(self, cast: Cast):
        caller = await keys.find(cast.alice.key, NOW)
        assert caller
        assert {"events:write", "read", "manage"} <= caller.scopes

    async def test_a_revoked_key_is_refused_within_a_second(self, cast: Cast):
        key = (await keys.listed(cast.alice.account))[-1]
        secret = {p.member.email: p.key for p in (cast.alice, cast.bob)}[key.created_by]
        assert await keys.find(secret, NOW)
        # As another process would do it.
        await ApiKey.update({ApiKey.revoked_at: NOW}).where(ApiKey.id == key.id)
        assert await keys.find(secret, later(seconds=0.4))
        assert await keys.find(secret, later(seconds=1)) is None

    async def test_revoking_here_counts_at_once(self, cast: Cast):
        key, secret = await keys.create(cast.alice.account, "shop", [], "alice", NOW)
        assert await keys.find(secret, NOW)
        await keys.revoke(cast.alice.account, key.id, NOW)
        await keys.revoke(cast.alice.account, key.id, later(days=1))
        assert await keys.find(secret, NOW) is None
        assert (await keys.get(cast.alice.account, key.id)).revoked_at == NOW

    async def test_its_use_is_noted_once_a_minute(self, cast: Cast):
        key, secret = await keys.create(cast.alice.account, "shop", [], "alice", NOW)
        seen = []
        for seconds in (0, 30, 59, 61):
            await keys.find(secret, later(seconds=seconds))
            seen.append((await keys.get(cast.alice.account, key.id)).used_at)
        assert seen == [NOW, NOW, NOW, later(seconds=61)]

    async def test_many_calls_at_once_ask_the_database_little(self, cast: Cast):
        await keys.find(cast.alice.key, NOW)
        again = [keys.find(cast.alice.key, later(seconds=0.7)) for _ in range(50)]
        assert all(await asyncio.gather(*again))

    async def test_a_stranger_may_not_revoke(self, cast: Cast):
        key = (await keys.listed(cast.alice.account))[0]
        with pytest.raises(NotFound):
            await keys.revoke(cast.charlie.account, key.id, NOW)

    async def test_all_problems_at_once(self, cast: Cast):
        with pytest.raises(Invalid) as problems:
            await keys.create(cast.alice.account, " ", ["fly"], "alice", NOW)
        assert fields(problems.value) == [("name", "empty"), ("scopes", "unknown")]


async def test_accounts_are_found_by_name_and_by_id(cast: Cast):
    by_name = await accounts.find("Elsewhere")
    assert by_name
    assert by_name.id == cast.charlie.account
    by_id = await accounts.find(cast.charlie.account)
    assert by_id
    assert by_id.name == "Elsewhere"
    assert await accounts.find("Nowhere") is None
