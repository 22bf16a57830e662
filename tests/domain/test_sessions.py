"""Who may come in with a password, and for how long."""

import pytest

from callboard.accounts import (
    devices,
    invitations,
    members,
    passwords,
    sessions,
    signing_in,
)
from callboard.errors import Conflict, Invalid, LimitReached, NotFound
from tests.cast import Cast
from tests.make import NOW, PASSWORD, later
from tests.problems import named


class TestSignIn:
    async def test_wrong_passwords_and_unknown_addresses_look_alike(self, cast: Cast):
        assert await signing_in.sign_in(cast.bob.member.email, "wrong", NOW) is None
        assert await signing_in.sign_in("nobody@acme.example", PASSWORD, NOW) is None

    async def test_guessing_ends_after_ten_tries(self, cast: Cast):
        email = cast.bob.member.email
        for _ in range(10):
            await signing_in.sign_in(email, "wrong", NOW, "192.0.2.1")
        with pytest.raises(LimitReached):
            await signing_in.sign_in(email, PASSWORD, NOW, "192.0.2.1")
        assert await signing_in.sign_in(email, PASSWORD, NOW, "192.0.2.2")
        assert await signing_in.sign_in(email, PASSWORD, later(minutes=15), "192.0.2.1")

    async def test_who_shows_the_old_password_while_it_is_changed_comes_too_late(
        self, cast: Cast
    ):
        """Or a thief would only have to sign in all the time to stay."""
        email = cast.bob.member.email
        await signing_in.sign_in(email, PASSWORD, NOW)  # which hashes it anew
        bob, thief, other = [
            await signing_in.sign_in(email, PASSWORD, NOW) for _ in range(3)
        ]
        assert bob
        assert thief
        assert other
        await signing_in.change_password(bob, PASSWORD, "battery staple", NOW)
        with pytest.raises(Conflict, match="changed just now"):
            await sessions.start(thief, NOW)
        with pytest.raises(Invalid, match="not your password"):
            await signing_in.change_password(other, PASSWORD, "taken over!", NOW)
        assert await signing_in.sign_in(email, "battery staple", NOW)

    async def test_one_address_may_not_guess_for_many_members(self, cast: Cast):
        signing_in.sign_ins.count({("from", "192.0.2.1"): 50}, NOW)
        for _ in range(49):
            signing_in.sign_ins.count({("from", "192.0.2.1"): 50}, NOW)
        with pytest.raises(LimitReached):
            await signing_in.sign_in(cast.bob.member.email, PASSWORD, NOW, "192.0.2.1")

    @pytest.mark.parametrize(
        ("one", "other", "is_one_line"),
        [
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
            ("::ffff:192.0.2.1", "192.0.2.1", True),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ],
    )
    async def test_who_has_a_network_is_one_guesser(
        self, cast: Cast, one: str, other: str, is_one_line: bool
    ):
        email = cast.bob.member.email
        for _ in range(10):
            await signing_in.sign_in(email, "wrong", NOW, one)
        if is_one_line:
            with pytest.raises(LimitReached):
                await signing_in.sign_in(email, PASSWORD, NOW, other)
        else:
            assert await signing_in.sign_in(email, PASSWORD, NOW, other)

    async def test_no_crowd_of_guessers_locks_out_a_browser_that_is_known(
        self, cast: Cast
    ):
        email = cast.bob.member.email
        for n in range(100):
            await signing_in.sign_in(email, "wrong", NOW, f"192.0.2.{n}")
        with pytest.raises(LimitReached):
            await signing_in.sign_in(email, PASSWORD, NOW, "198.51.100.1")
        assert await signing_in.sign_in(email, PASSWORD, NOW, "192.0.2.1", "firefox")

    async def test_a_known_browser_may_not_guess_either(self, cast: Cast):
        email = cast.bob.member.email
        for n in range(10):
            await signing_in.sign_in(email, "wrong", NOW, f"192.0.2.{n}", "stolen")
        with pytest.raises(LimitReached):
            await signing_in.sign_in(email, PASSWORD, NOW, "192.0.2.99", "stolen")
        assert await signing_in.sign_in(email, PASSWORD, NOW, "192.0.2.99", "bobs own")

    async def test_what_is_remembered_of_a_try_is_short(self, cast: Cast):
        await signing_in.sign_in("x" * 100_000, "wrong", NOW)
        assert len(repr(signing_in.sign_ins.__dict__)) < 2_000

    async def test_good_sign_ins_do_not_count(self, cast: Cast):
        for _ in range(12):
            assert await signing_in.sign_in(cast.bob.member.email, PASSWORD, NOW)

    async def test_a_dated_hash_is_made_anew(self, cast: Cast):
        bob = cast.bob.member
        assert passwords.is_dated(bob.password_hash)
        await signing_in.sign_in(bob.email, PASSWORD, NOW)
        found = await members.get(bob.account, bob.id)
        assert not passwords.is_dated(found.password_hash)
        assert await signing_in.sign_in(bob.email, PASSWORD, NOW)

    async def test_changing_the_password_keeps_only_this_session(self, cast: Cast):
        bob = cast.bob.member
        here, there = [await sessions.start(bob, NOW) for _ in range(2)]
        current = await sessions.find(here, NOW)
        assert current
        with pytest.raises(Invalid) as problems:
            await signing_in.change_password(bob, "wrong", "short", NOW)
        assert named(problems.value.problems) == [
            ("old", "wrong"),
            ("password", "too_short"),
        ]
        await signing_in.change_password(
            bob, PASSWORD, "battery staple", NOW, keep=current.session
        )
        assert await sessions.find(here, NOW)
        assert await sessions.find(there, NOW) is None

    async def test_an_open_session_does_not_let_one_guess_the_password(
        self, cast: Cast
    ):
        bob = cast.bob.member
        for _ in range(9):
            with pytest.raises(Invalid):
                await signing_in.change_password(bob, "guess", "battery staple", NOW)
        await signing_in.change_password(bob, PASSWORD, "battery staple", NOW)
        for _ in range(10):
            with pytest.raises(Invalid):
                await signing_in.change_password(bob, "guess", "a third one", NOW)
        with pytest.raises(LimitReached):
            await signing_in.change_password(bob, "battery staple", "a third one", NOW)

    async def test_a_new_password_voids_the_link_for_a_forgotten_one(self, cast: Cast):
        bob = cast.bob.member
        token = await invitations.new_link(cast.alice.at(NOW), bob.id)
        await signing_in.change_password(bob, PASSWORD, "battery staple", NOW)
        with pytest.raises(NotFound):
            await invitations.join(token, "of whoever reads the mail", NOW)


class TestDevices:
    def test_a_browser_is_known_as_whom_it_signed_in_as(self):
        shown = devices.proof(["new", "old"], "bob@acme.example")
        assert devices.known(["new"], shown, "bob@acme.example")
        assert devices.known(["newest", "new"], shown, "bob@acme.example")

    @pytest.mark.parametrize("change", [str.upper, lambda s: s[:-1], lambda s: "é" + s])
    def test_nobody_makes_such_a_proof(self, change):
        shown = devices.proof(["new"], "bob@acme.example")
        assert not devices.known(["new"], shown, "alice@acme.example")
        assert not devices.known(["other"], shown, "bob@acme.example")
        assert not devices.known(["new"], change(shown), "bob@acme.example")
        assert not devices.known(["new"], "", "bob@acme.example")

    def test_each_sign_in_makes_another(self):
        shown = {devices.proof(["new"], "bob@acme.example") for _ in range(2)}
        assert len({devices.known(["new"], s, "bob@acme.example") for s in shown}) == 2


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
