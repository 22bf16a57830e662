"""Who has forgotten the password gets a link by mail, and nobody else learns of it."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from callboard.accounts import audit, invitations, sessions, signing_in
from callboard.notices.tables import Notice
from tests.cast import Cast
from tests.engine import Engine
from tests.mailboxes import Mailboxes, receiving_mail, text_of
from tests.make import PASSWORD
from tests.pages.signed_in import Browser, seen
from tests.posting import send_mails

FORGOTTEN = "/login/forgotten"
ALICE = "alice@acme.example"
NEW = "battery staple"


@pytest.fixture
async def mailboxes() -> AsyncIterator[Mailboxes]:
    async with receiving_mail() as opened:
        yield opened


async def link_by_mail(
    visitor: Browser, engine: Engine, mailboxes: Mailboxes, outbox: Path
) -> str:
    await visitor.post(FORGOTTEN, {"email": f" {ALICE.title()}"})
    await send_mails(engine, mailboxes.url, outbox)
    got = mailboxes.to(ALICE)[-1]
    (link,) = re.findall(r"http://callboard\.test(/join/[\w-]+)", text_of(got))
    return str(link)


async def test_the_mail_brings_a_link_that_sets_a_new_password_once(
    visitor: Browser, engine: Engine, cast: Cast, mailboxes: Mailboxes, tmp_path: Path
):
    now = engine.runtime.clock()
    elsewhere = await sessions.start(cast.alice.member, now)
    assert FORGOTTEN in (await visitor.get("/login")).text
    link = await link_by_mail(visitor, engine, mailboxes, tmp_path)
    for _ in range(2):  # a scanner looks, too
        assert f"It is for {ALICE}." in seen(await visitor.get(link))
    assert await sessions.find(elsewhere, now) is not None
    await visitor.post(link, {"password": NEW})
    assert await sessions.find(elsewhere, now) is None
    assert await signing_in.sign_in(ALICE, PASSWORD, now) is None
    assert await signing_in.sign_in(ALICE, NEW, now) is not None
    await visitor.post(link, {"password": PASSWORD}, 404)
    done, asked = (await audit.page(engine.account)).items[:2]
    assert (done.actor, done.act) == (ALICE, "member.password_reset")
    assert (asked.actor, asked.act) == ("somebody", "member.link_asked")
    assert (asked.subject, asked.detail) == (ALICE, "from 127.0.0.1")


async def test_the_answer_does_not_tell_who_signs_in_here(
    visitor: Browser, engine: Engine, cast: Cast
):
    answers = [
        await visitor.post(FORGOTTEN, {"email": email})
        for email in (ALICE, "nobody@acme.example", "", "@", "x" * 5000)
    ]
    assert {each.headers["Location"] for each in answers} == {f"{FORGOTTEN}?asked=true"}
    assert {each.text for each in answers} == {""}
    assert "If somebody signs in here" in seen(
        await visitor.get(f"{FORGOTTEN}?asked=true")
    )
    (only,) = await Notice.objects()
    assert only.address == ALICE


async def test_no_other_member_can_read_the_link(
    visitor: Browser,
    bob: Browser,
    engine: Engine,
    mailboxes: Mailboxes,
    tmp_path: Path,
):
    link = await link_by_mail(visitor, engine, mailboxes, tmp_path)
    page = await bob.get("/settings/outbox")
    assert "Choose a new password for Callboard" in seen(page)
    assert "(the link stands in the mail only)" in seen(page)
    assert link not in page.text
    (row,) = await Notice.objects()
    assert link.rpartition("/")[2] not in str(row.to_dict())


async def test_the_link_is_good_for_an_hour(
    visitor: Browser, engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    link = await link_by_mail(visitor, engine, mailboxes, tmp_path)
    engine.skip(3601)
    answer = await visitor.post(link, {"password": NEW}, 404)
    assert "This link has been used or is too old." in seen(answer)


async def test_a_mail_that_could_not_be_sent_within_the_hour_is_not_sent_later(
    visitor: Browser,
    alice: Browser,
    engine: Engine,
    mailboxes: Mailboxes,
    tmp_path: Path,
):
    await visitor.post(FORGOTTEN, {"email": ALICE})
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(hours=1))
    assert mailboxes.mails == []
    page = seen(await alice.get("/settings/outbox"))
    assert "A link to choose a new password to alice@acme.example, not sent" in page


async def test_nobody_is_showered_with_mails(
    visitor: Browser, engine: Engine, cast: Cast
):
    for _ in range(5):
        await visitor.post(FORGOTTEN, {"email": ALICE})
    assert await Notice.count() == 1
    engine.skip(900)
    await visitor.post(FORGOTTEN, {"email": ALICE})
    assert await Notice.count() == 2


async def test_who_asks_and_asks_is_slowed_down(visitor: Browser, cast: Cast):
    for number in range(20):
        await visitor.post(FORGOTTEN, {"email": f"{number}@acme.example"})
    answer = await visitor.post(FORGOTTEN, {"email": ALICE}, 429)
    assert "Too many tries." in seen(answer)
    assert await Notice.count() == 0


async def test_a_stranger_who_asks_makes_no_invitation_void(
    visitor: Browser,
    engine: Engine,
    cast: Cast,
    mailboxes: Mailboxes,
    tmp_path: Path,
):
    owners = await invitations.new_link(engine.by, cast.alice.member.id)
    first = await link_by_mail(visitor, engine, mailboxes, tmp_path)
    engine.skip(900)
    await link_by_mail(visitor, engine, mailboxes, tmp_path)
    assert f"It is for {ALICE}." in seen(await visitor.get(f"/join/{owners}"))
    await visitor.post(first, {"password": NEW})
    used = await visitor.get(f"/join/{owners}", 404)
    assert "This link has been used or is too old." in seen(used)


async def test_without_a_mail_server_the_page_says_where_the_mail_is(
    visitor: Browser, cast: Cast
):
    page = seen(await visitor.get(f"{FORGOTTEN}?asked=true"))
    assert "No mail server is set here" in page
