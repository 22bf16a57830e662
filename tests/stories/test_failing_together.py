"""Many webhooks at one dead host are one story: in mails and on pages."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from callboard.delivery import standing
from callboard.insight import troubles
from callboard.notices import activation, digest
from callboard.notices.letters import Facts, Now
from callboard.notices.tables import Notice
from callboard.webhooks import unsubscribing, webhooks
from callboard.webhooks.settings import settings_of
from tests.engine import Engine, eventually
from tests.mailboxes import Mailboxes, receiving_mail, text_of
from tests.posting import send_mails
from tests.receiver import Answer

OPS = "ops@example.org"
NAMES = ("Billing", "CRM sync", "Search")


@pytest.fixture
async def mailboxes() -> AsyncIterator[Mailboxes]:
    async with receiving_mail() as opened:
        yield opened


async def dead_webhooks(engine: Engine, *recipients: str) -> list[str]:
    """All at one host, all deactivated by the rule."""
    made = []
    for name in NAMES:
        path = f"/{name.split()[0]}"
        engine.receiver.usually[path] = Answer(503)
        told = recipients or (OPS,)
        made.append(
            await engine.webhook(path, name=name, recipients=told, schedule=(1,))
        )
    async with engine.working():
        await engine.post()
        for webhook in made:
            await engine.deactivated(webhook)
    return made


async def test_they_are_told_of_in_one_mail_that_lists_them(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    made = await dead_webhooks(engine)
    await send_mails(engine, mailboxes.url, tmp_path)
    assert mailboxes.mails == []
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(seconds=61))
    (got,) = mailboxes.to(OPS)
    assert got["Subject"] == "3 webhooks were deactivated: 503 from 127.0.0.1"
    for form in ("plain", "html"):
        assert all(name in text_of(got, form) for name in NAMES)
        assert text_of(got, form).count("1 delivery is held.") == 3
    found = re.findall(r"http://callboard\.test/activate/([\w-]+)", text_of(got))
    links = engine.runtime.links
    rows = [await activation.behind_link(links, token) for token in found]
    assert {row.id for row in rows} == set(made)
    sent = await Notice.objects().where(Notice.kind == "deactivated")
    assert [(n.subject, n.error) for n in sent] == [(got["Subject"], "")] * 3
    assert not any(n.due for n in sent)
    before = len(mailboxes.mails)
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(seconds=200))
    assert len(mailboxes.mails) == before


async def test_each_address_has_a_mail_of_its_own(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    await dead_webhooks(engine, OPS, "boss@example.org")
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(seconds=61))
    assert [len(mailboxes.to(each)) for each in (OPS, "boss@example.org")] == [1, 1]


async def test_one_click_ends_the_mails_about_all_of_them(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    made = await dead_webhooks(engine)
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(seconds=61))
    header = str(mailboxes.to(OPS)[0]["List-Unsubscribe"])
    token = header.strip("<>").rpartition("/")[2]
    about = engine.runtime.links.read_unsubscribe(token)
    assert about is not None
    assert await unsubscribing.words_for(about[0]) == "the webhooks at 127.0.0.1"
    await unsubscribing.unsubscribe(*about, engine.runtime.clock())
    for webhook in made:
        row = await webhooks.get(engine.account, webhook)
        assert settings_of(row).recipients == ()


async def test_a_mail_that_is_refused_is_tried_again_as_one(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    await dead_webhooks(engine)
    mailboxes.refused.add(OPS)
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(seconds=61))
    assert {n.tries for n in await Notice.objects()} == {1}
    mailboxes.refused.clear()
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(seconds=600))
    assert len(mailboxes.to(OPS)) == 1


async def test_a_webhook_that_was_deleted_meanwhile_is_left_out(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    made = await dead_webhooks(engine)
    await engine.delete(made[0])
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(seconds=61))
    (got,) = mailboxes.to(OPS)
    assert got["Subject"] == "2 webhooks were deactivated: 503 from 127.0.0.1"
    await engine.work()


async def test_the_overview_tells_of_the_host_once(engine: Engine):
    made = await dead_webhooks(engine)
    (told,) = await troubles.needs_you(engine.account)
    assert (told.host, told.webhooks) == ("127.0.0.1", 3)
    assert {told.id} < set(made)
    assert told.why == "503 from 127.0.0.1"
    assert told.held == 3
    holds = [await standing.of_held(each, 1) for each in made]
    ends = [each.first_expires_at for each in holds if each.first_expires_at]
    assert told.held_until == min(ends)


async def test_answers_that_differ_are_all_told(engine: Engine):
    for name, status in (("Billing", 503), ("CRM", 404), ("ERP", 503)):
        engine.receiver.usually[f"/{name}"] = Answer(status)
        await engine.webhook(f"/{name}", name=name, schedule=(3600,))

    async def all_fail() -> bool:
        found = await troubles.needs_you(engine.account)
        return bool(found) and found[0].webhooks == 3

    async with engine.working():
        await engine.post()
        await eventually(all_fail)
    (told,) = await troubles.needs_you(engine.account)
    assert set(told.answers) == {"503", "404"}
    assert told.why.endswith(" from 127.0.0.1, 3 failed tries")


@pytest.mark.parametrize("kind", ["failing", "deactivated", "reminder", "recovered"])
def test_a_mail_names_at_most_fifty_and_leads_to_all(kind: str):
    now = Now(page="http://c/p", link="http://c/l", waiting=1)
    facts = [
        Facts(name=f"Hook {place:03}", url="https://r.example/", last_status=503)
        for place in range(120)
    ]
    letter = digest.write(kind, [(each, now) for each in facts], "http://c/all")
    assert letter.subject.startswith("120 webhooks")
    assert len(letter.entries) == 50
    assert letter.entries[0].name == "Hook 000"
    assert letter.button == ("See all webhooks at r.example", "http://c/all")
    goes_to = "http://c/l" if kind in ("deactivated", "reminder") else "http://c/p"
    assert {each.link for each in letter.entries} == {goes_to}
