"""API keys, members, and where one is signed in."""

import re

from callboard.accounts import keys, members, sessions
from callboard.accounts.tables import Member
from tests import make
from tests.cast import Cast
from tests.pages.signed_in import seen


class TestKeys:
    async def test_a_key_is_shown_once_and_works(self, alice, cast: Cast):
        form = {"name": "Shop", "scopes": ["events:write", "read"]}
        answer = await alice.shown("/settings/keys", form)
        (secret,) = set(re.findall(r"cb_[\w-]{40,}", answer.text))
        assert answer.headers["Cache-Control"] == "no-store"
        page = await alice.get("/settings/keys")
        assert secret not in page.text
        assert "made by alice@acme.example" in seen(page)
        headers = {"Authorization": f"Bearer {secret}"}
        events = await alice.client.get("/api/v1/events", headers=headers)
        assert events.status_code == 200
        webhooks = await alice.client.post("/api/v1/webhooks", headers=headers, json={})
        assert webhooks.status_code == 403

    async def test_needs_a_name(self, alice, cast: Cast):
        answer = await alice.post("/settings/keys", {"scopes": ["read"]}, 422)
        assert "Say what the key is for." in seen(answer)
        assert re.search(r'value="read" checked', answer.text)

    async def test_is_revoked_after_a_question(self, alice, cast: Cast):
        key = (await keys.listed(cast.alice.account))[0]
        asked = await alice.part(f"/settings/keys/{key.id}/revoke")
        assert "Whoever uses this key is refused at once." in asked.text
        await alice.post(f"/settings/keys/{key.id}/revoke")
        assert "revoked" in seen(await alice.get("/settings/keys"))

    async def test_charlie_and_viewers_may_not(self, charlie, viewer, cast: Cast):
        (key, *_) = await keys.listed(cast.alice.account)
        await charlie.get(f"/settings/keys/{key.id}/revoke", 404)
        await charlie.post(f"/settings/keys/{key.id}/revoke", status=404)
        assert "alice@acme.example" not in (await charlie.get("/settings/keys")).text
        await viewer.post("/settings/keys", {"name": "x"}, 403)
        await viewer.post(f"/settings/keys/{key.id}/revoke", status=403)


DAN = {"email": "dan@acme.example", "name": "Dan", "role": "viewer"}


class TestMembers:
    async def test_one_is_invited_by_a_link_and_joins(self, alice, visitor):
        answer = await alice.shown("/settings/members", DAN)
        (path,) = set(re.findall(r"http://callboard.test(/join/[\w-]+)", answer.text))
        assert "has not signed in yet" in seen(answer)
        page = await alice.get("/settings/members")
        assert path not in page.text
        await visitor.post(path, {"name": "Dan", "password": make.PASSWORD})
        assert "Dan, viewer" in seen(await visitor.get("/settings/sessions"))
        await visitor.get("/webhooks/new", 403)

    async def test_problems_keep_what_was_typed(self, alice, cast: Cast):
        answer = await alice.post("/settings/members", DAN | {"email": "dan"}, 422)
        assert "Write an address such as" in seen(answer)
        assert 'value="Dan"' in answer.text
        twice = DAN | {"email": "bob@acme.example"}
        answer = await alice.post("/settings/members", twice, 422)
        assert "Somebody signs in with this address already." in seen(answer)

    async def test_a_new_link_role_and_farewell(self, alice, bob, cast: Cast):
        path = f"/settings/members/{cast.bob.member.id}"
        answer = await alice.shown(f"{path}/link")
        assert "/join/" in answer.text
        await alice.post(f"{path}/role", {"role": "viewer"})
        await bob.get("/webhooks/new", 403)
        await alice.post(f"{path}/role", {"role": "king"}, 422)
        assert "Remove Bob?" in seen(await alice.get(f"{path}/remove"))
        await alice.post(f"{path}/remove")
        await bob.get("/", 303)
        assert await members.find(cast.alice.account, "bob@acme.example") is None

    async def test_the_last_owner_stays(self, alice, cast: Cast):
        path = f"/settings/members/{cast.alice.member.id}"
        for act, form in (("role", {"role": "viewer"}), ("remove", {})):
            answer = await alice.post(f"{path}/{act}", form, 422)
            assert "last owner" in seen(answer)

    async def test_only_owners_may(self, bob, charlie, cast: Cast):
        path = f"/settings/members/{cast.bob.member.id}"
        assert "Invite somebody" not in seen(await bob.get("/settings/members"))
        await bob.post("/settings/members", DAN, 403)
        await bob.get(f"{path}/remove", 403)
        for act in ("link", "role", "remove"):
            answer = await bob.post(f"{path}/{act}", {"role": "owner"}, 403)
            await charlie.post(f"{path}/{act}", {"role": "owner"}, 404)
        assert "This needs the role owner; yours is member." in seen(answer)
        await charlie.get(f"{path}/remove", 404)
        assert await Member.count() == 3


class TestSessions:
    async def test_others_are_ended_one_by_one_or_all(self, alice, cast, runtime):
        for browser in ("Phone", "Tablet", "Kiosk"):
            await sessions.start(cast.alice.member, runtime.clock(), browser)
        page = await alice.get("/settings/sessions")
        assert "This one" in seen(page)
        listed = await sessions.listed(cast.alice.member, runtime.clock())
        (phone,) = [each.id for each in listed if each.user_agent == "Phone"]
        await alice.post(f"/settings/sessions/{phone}/end")
        page = seen(await alice.get("/settings/sessions"))
        assert "Phone" not in page
        assert "Tablet" in page
        await alice.post("/settings/sessions/end-others")
        page = seen(await alice.get("/settings/sessions"))
        assert "Tablet" not in page
        assert "This one" in page

    async def test_nobody_ends_those_of_others(self, alice, bob, cast, runtime):
        (theirs,) = await sessions.listed(cast.alice.member, runtime.clock())
        await bob.post(f"/settings/sessions/{theirs.id}/end", status=404)
        assert "This one" in seen(await alice.get("/settings/sessions"))

    async def test_everybody_chooses_their_own_name(self, alice, viewer):
        long = "x" * 121
        answer = await viewer.post("/settings/name", {"name": long}, 422)
        assert answer.text.count("another look") == 1
        assert f'value="{long}"' in answer.text
        await viewer.post("/settings/name", {"name": " Eve Adams "})
        assert "Eve Adams, viewer" in seen(await viewer.get("/"))
        page = seen(await alice.get("/settings/audit?about=member"))
        assert "changed their name eve@acme.example Eve Adams" in page

    async def test_the_old_password_cannot_be_guessed(self, viewer):
        wrong = {"old": "wrong", "password": "an even better one"}
        for _ in range(10):
            await viewer.post("/settings/password", wrong, 422)
        answer = await viewer.post("/settings/password", wrong, 429)
        assert "Too many tries." in seen(answer)

    async def test_a_new_password_ends_the_others(self, viewer, runtime):
        eve = await Member.objects().get(Member.email == "eve@acme.example")
        assert eve
        await sessions.start(eve, runtime.clock(), "Phone")
        wrong = {"old": "wrong", "password": "short"}
        answer = await viewer.post("/settings/password", wrong, 422)
        assert "That is not your password." in seen(answer)
        assert "Use at least 10 characters." in seen(answer)
        form = {"old": make.PASSWORD, "password": "an even better one"}
        await viewer.post("/settings/password", form)
        assert len(await sessions.listed(eve, runtime.clock())) == 1
        told = "Your password is changed"
        assert told in seen(await viewer.get("/settings/sessions"))
        assert told not in seen(await viewer.get("/settings/sessions"))
