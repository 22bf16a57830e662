"""Coming in and going out: the set-up link, sign-in, invitations, sign-out."""

import pytest

from callboard.accounts import accounts, audit, invitations, setup, signing_in
from callboard.accounts.tables import Member, Session
from tests import make
from tests.cast import Cast
from tests.pages.signed_in import seen
from web import cookies

ADA = {
    "account": "Acme",
    "name": "Ada",
    "email": "ada@acme.example",
    "password": make.PASSWORD,
}
WRONG = "There is no such pair of e-mail and password."


@pytest.fixture
async def setup_path(runtime, settings) -> str:
    await accounts.add("Callboard", make.NOW)
    link = await setup.link(settings, runtime.clock())
    return link.removeprefix("http://callboard.test")


async def test_who_is_not_signed_in_is_no_fault_of_ours(visitor, caplog):
    answer = await visitor.get("/", 303)
    assert answer.headers["Location"].startswith("/login")
    assert [each for each in caplog.records if each.name == "web.errors"] == []


class TestSetUp:
    async def test_the_link_makes_an_owner_who_is_signed_in(self, visitor, setup_path):
        assert "You become the owner" in seen(await visitor.get(setup_path))
        answer = await visitor.post(setup_path, ADA)
        assert answer.headers["Location"] == "/"
        owner = await Member.objects().first()
        assert (owner.email, owner.role) == ("ada@acme.example", "owner")
        assert await Session.count() == 1
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie

    async def test_the_link_works_once(self, visitor, setup_path):
        await visitor.post(setup_path, ADA)
        answer = await visitor.get(setup_path, 404)
        assert "This link has been used or is too old." in seen(answer)
        assert "Whoever has chosen a password signs in with it." in seen(answer)
        assert "slip" not in seen(answer)
        await visitor.post(setup_path, ADA | {"email": "eve@acme.example"}, 404)

    async def test_a_made_up_link_is_none(self, visitor, setup_path):
        answer = await visitor.get("/setup/aaaaaaaaaaaaaaaaaaaaaaaa", 404)
        assert "This link has been used or is too old." in seen(answer)

    async def test_all_problems_come_at_once_with_what_was_typed(
        self, visitor, setup_path
    ):
        wrong = ADA | {"account": " ", "email": "ada", "password": "short"}
        answer = await visitor.post(setup_path, wrong, 422)
        assert "Give the account a name." in seen(answer)
        assert "Write an address such as" in seen(answer)
        assert "Use at least 10 characters." in seen(answer)
        assert 'value="Ada"' in answer.text
        assert "short" not in answer.text
        await visitor.get(setup_path)


class TestSignIn:
    async def test_says_what_to_do_before_anybody_is_there(self, visitor, setup_path):
        assert "Open the set-up link" in seen(await visitor.get("/login"))
        await visitor.post(setup_path, ADA)
        await visitor.post("/logout")
        assert "Open the set-up link" not in seen(await visitor.get("/login"))

    async def test_with_password_leads_to_the_page_that_was_wanted(self, visitor, cast):
        refused = await visitor.get("/settings/sessions?a=1", 303)
        assert refused.headers["Location"] == "/login?next=/settings/sessions%3Fa%3D1"
        page = await visitor.get(refused.headers["Location"])
        assert 'value="/settings/sessions?a=1"' in page.text
        form = {
            "email": "Alice@acme.example ",
            "password": make.PASSWORD,
            "next": "/settings/sessions?a=1",
        }
        answer = await visitor.post("/login", form)
        assert answer.headers["Location"] == "/settings/sessions?a=1"
        assert (await visitor.get("/login", 303)).headers["Location"] == "/"

    @pytest.mark.parametrize("email", ["alice@acme.example", "nobody@acme.example"])
    async def test_a_wrong_pair_does_not_tell_which_part_is_wrong(
        self, visitor, cast, email
    ):
        form = {"email": email, "password": "wrong horse battery", "next": "/"}
        answer = await visitor.post("/login", form, 422)
        assert WRONG in seen(answer)
        assert f'value="{email}"' in answer.text
        assert "wrong horse" not in answer.text

    async def test_guessing_is_slowed_down(self, visitor, cast):
        form = {"email": "alice@acme.example", "password": "guess", "next": "/"}
        for _ in range(10):
            await visitor.post("/login", form, 422)
        answer = await visitor.post("/login", form, 429)
        assert "Too many tries." in seen(answer)

    async def test_a_crowd_of_guessers_keeps_nobody_out_where_they_were_in(
        self, visitor, cast
    ):
        form = {"email": "Bob@acme.example", "password": make.PASSWORD, "next": "/"}
        await visitor.post("/login", form)
        await visitor.post("/logout")
        for n in range(100):
            await signing_in.sign_in("bob@acme.example", "x", make.NOW, f"192.0.2.{n}")
        await visitor.post("/login", form)
        assert await Session.count() == 1
        await visitor.post("/logout")
        await visitor.post("/login", form | {"email": "alice@acme.example"})
        await visitor.post("/logout")
        assert cookies.DEVICE in visitor.client.cookies
        await visitor.post("/login", form, 429)

    async def test_a_link_from_an_owner_lets_one_in_whoever_guesses(
        self, visitor, cast: Cast, runtime
    ):
        bob, now = cast.bob.member, runtime.clock()
        for n in range(100):
            await signing_in.sign_in(bob.email, "x", now, f"192.0.2.{n}")
        token = await invitations.new_link(cast.alice.at(now), bob.id)
        form = {"name": "Bob", "password": make.PASSWORD}
        await visitor.post(f"/join/{token}", form)
        await visitor.post("/logout")
        form = {"email": bob.email, "password": make.PASSWORD, "next": "/"}
        await visitor.post("/login", form)
        assert await Session.count() == 1

    @pytest.mark.parametrize(
        "path",
        ["//evil.example", "https://evil.example", "/\\evil.example", "/\n/x", ""],
    )
    async def test_nobody_is_led_elsewhere(self, visitor, cast, path):
        form = {"email": "alice@acme.example", "password": make.PASSWORD, "next": path}
        answer = await visitor.post("/login", form)
        assert answer.headers["Location"] == "/"

    async def test_without_the_forms_token_nothing_happens(self, visitor, cast):
        form = {"email": "alice@acme.example", "password": make.PASSWORD}
        answer = await visitor.client.post("/login", data=form)
        assert answer.status_code == 403
        assert "Load it again" in seen(answer)
        assert await Session.count() == 0

    async def test_sign_out_ends_the_session(self, alice):
        answer = await alice.post("/logout")
        assert answer.headers["Location"] == "/login"
        assert await Session.count() == 0
        await alice.get("/settings/sessions", 303)


class TestInvitation:
    @pytest.fixture
    async def path(self, runtime, cast: Cast) -> str:
        by = cast.alice.at(runtime.clock())
        _, token = await invitations.invite(by, "dan@acme.example", "Dan", "viewer")
        return f"/join/{token}"

    async def test_lets_one_choose_a_password_and_in(self, visitor, path):
        page = seen(await visitor.get(path))
        assert "Join Acme" in page
        assert "dan@acme.example" in page
        form = {"name": "Daniel", "password": make.PASSWORD}
        assert (await visitor.post(path, form)).headers["Location"] == "/"
        await visitor.get(path, 404)
        dan = await Member.objects().get(Member.email == "dan@acme.example")
        assert dan.name == "Daniel"

    async def test_of_one_who_has_a_password_asks_for_a_new_one_only(
        self, visitor, cast: Cast, runtime
    ):
        bob = cast.bob.member
        token = await invitations.new_link(cast.alice.at(runtime.clock()), bob.id)
        page = await visitor.get(f"/join/{token}")
        assert "Choose a new password It is for bob@acme.example." in seen(page)
        assert 'name="name"' not in page.text
        await visitor.post(f"/join/{token}", {"password": "battery staple"})
        found = await Member.objects().get(Member.id == bob.id)
        assert found.name == bob.name
        assert found.password_hash != bob.password_hash
        entry = (await audit.page(bob.account)).items[0]
        assert (entry.actor, entry.act) == (bob.email, "member.password_reset")

    async def test_keeps_what_was_typed(self, visitor, path):
        form = {"name": "Daniel", "password": "short"}
        answer = await visitor.post(path, form, 422)
        assert "Use at least 10 characters." in seen(answer)
        assert 'value="Daniel"' in answer.text

    async def test_does_not_set_up_an_account(self, visitor, path):
        answer = await visitor.get(path.replace("/join/", "/setup/"), 404)
        assert "This link does not set up an account." in seen(answer)
