"""Members: invited, joined, changed and removed."""

import asyncio

import pytest

from callboard.accounts import (
    accounts,
    audit,
    invitations,
    keys,
    members,
    sessions,
    signing_in,
)
from callboard.errors import Conflict, Invalid, NotFound
from tests.cast import Cast
from tests.make import NOW, PASSWORD
from tests.problems import named


async def test_an_invited_member_joins_with_a_password(cast: Cast):
    dora, token = await invitations.invite(
        cast.alice.at(NOW), "dora@acme.example", "Dora", "viewer"
    )
    assert await signing_in.sign_in(dora.email, "", NOW) is None
    assert (await invitations.invited(token, NOW)).id == dora.id
    await invitations.join(token, PASSWORD, NOW)
    found = await signing_in.sign_in(dora.email, PASSWORD, NOW)
    assert found
    assert found.id == dora.id
    with pytest.raises(NotFound):
        await invitations.join(token, "another password", NOW)


async def test_a_new_link_sets_the_password_anew(cast: Cast):
    bob = cast.bob.member
    session = await sessions.start(bob, NOW)
    token = await invitations.new_link(cast.alice.at(NOW), bob.id)
    await invitations.join(token, "battery staple", NOW)
    assert await sessions.find(session, NOW) is None
    assert await signing_in.sign_in(bob.email, PASSWORD, NOW) is None
    assert await signing_in.sign_in(bob.email, "battery staple", NOW)


async def test_an_address_signs_in_to_one_account_only(cast: Cast):
    charlie = cast.charlie.member.email
    with pytest.raises(Conflict):
        await invitations.invite(cast.alice.at(NOW), charlie, "", "member")
    assert len(await members.listed(cast.alice.account)) == 2


async def test_the_last_owner_stays(cast: Cast):
    id, by = cast.alice.member.id, cast.alice.at(NOW)
    with pytest.raises(Conflict):
        await members.remove(by, id)
    with pytest.raises(Conflict):
        await members.change_role(by, id, "viewer")
    await invitations.invite(by, "dora@acme.example", "", "owner")
    with pytest.raises(Conflict):  # one who has not joined cannot open the door
        await members.remove(by, id)


async def test_two_owners_who_remove_each_other_leave_one(cast: Cast):
    alice, bob = cast.alice, cast.bob
    await members.change_role(alice.at(NOW), bob.member.id, "owner")
    ends = await asyncio.gather(
        members.remove(alice.at(NOW), bob.member.id),
        members.remove(bob.at(NOW), alice.member.id),
        return_exceptions=True,
    )
    assert [type(end) for end in ends if end] == [Conflict]
    assert len(await members.listed(alice.account)) == 1


async def test_a_removed_member_is_out_at_once(cast: Cast):
    bob = cast.bob.member
    session = await sessions.start(bob, NOW)
    link = await invitations.new_link(cast.alice.at(NOW), bob.id)
    await members.remove(cast.alice.at(NOW), bob.id)
    assert await sessions.find(session, NOW) is None
    assert await signing_in.sign_in(bob.email, PASSWORD, NOW) is None
    with pytest.raises(NotFound):
        await invitations.join(link, PASSWORD, NOW)
    entry = (await audit.page(bob.account)).items[0]
    assert (entry.actor, entry.act) == ("alice@acme.example", "member.removed")


async def test_a_stranger_reaches_nobody(cast: Cast):
    charlie, bob = cast.charlie.at(NOW), cast.bob.member
    for act in (
        members.remove(charlie, bob.id),
        members.change_role(charlie, bob.id, "viewer"),
        invitations.new_link(charlie, bob.id),
    ):
        with pytest.raises(NotFound):
            await act


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "@acme.example", "a b@acme.example", "a@b@c", "a@acme..d"],
)
async def test_odd_addresses_are_refused(cast: Cast, email: str):
    with pytest.raises(Invalid):
        await invitations.invite(cast.alice.at(NOW), email, "", "member")


@pytest.mark.parametrize("odd", ["Ada\0", "Ada\nBcc: eve", "Ada\u2028", "Ada\ud800"])
async def test_a_name_is_one_line_of_text(cast: Cast, odd: str):
    """What some database or mail cannot hold is refused beside its field."""
    by = cast.alice.at(NOW)
    for act in (
        invitations.invite(by, "new@acme.example", odd, "member"),
        keys.create(by, odd, []),
        accounts.add(odd, NOW),
    ):
        with pytest.raises(Invalid) as refused:
            await act
        assert named(refused.value.problems) == [("name", "characters")]
