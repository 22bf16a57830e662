"""Whose password was changed hears of it by mail, whoever did it."""

from pathlib import Path

from callboard.accounts import invitations
from callboard.notices.tables import Notice
from tests.cast import Cast
from tests.engine import Engine
from tests.mailboxes import receiving_mail, text_of
from tests.make import PASSWORD
from tests.pages.signed_in import Browser, seen
from tests.posting import send_mails

NEW = "battery staple"


async def test_a_member_who_changes_it_gets_a_mail_that_leads_to_another(
    bob: Browser, engine: Engine, cast: Cast, tmp_path: Path
):
    form = {"old": PASSWORD, "password": NEW}
    await bob.post("/settings/password", form)
    async with receiving_mail() as mailboxes:
        await send_mails(engine, mailboxes.url, tmp_path)
        (mail,) = mailboxes.to(cast.bob.member.email)
    assert mail["Subject"] == "Your password for Callboard was changed"
    assert "UTC, from 127.0.0.1." in " ".join(text_of(mail).split())
    assert "http://callboard.test/login/forgotten" in text_of(mail)


async def test_one_who_chose_it_by_a_link_does_too(
    visitor: Browser, alice: Browser, engine: Engine, cast: Cast
):
    member = cast.bob.member
    link = await invitations.new_link(engine.by, member.id)
    await visitor.post(f"/join/{link}", {"password": NEW})
    (told,) = await Notice.objects()
    assert (told.kind, told.address) == ("new_password", member.email)
    outbox = seen(await alice.get("/settings/outbox"))
    assert f"That a password was changed to {member.email}" in outbox


async def test_who_joins_or_gives_a_wrong_one_is_told_nothing(
    visitor: Browser, bob: Browser, engine: Engine, cast: Cast
):
    _, link = await invitations.invite(engine.by, "dan@acme.example", "", "viewer")
    await visitor.post(f"/join/{link}", {"password": NEW})
    await bob.post("/settings/password", {"old": "wrong", "password": NEW}, 422)
    assert await Notice.count() == 0
