"""What people are told by mail, and what they can do with it."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callboard import spells
from callboard.delivery.workers import Watch
from callboard.notices import activation
from callboard.notices.links import Links
from callboard.notices.tables import Notice
from callboard.webhooks import webhooks
from tests.engine import Engine
from tests.mailboxes import Mailboxes, receiving_mail, text_of
from tests.posting import postman, send_mails
from tests.receiver import Answer

OPS = "ops@example.org"


@pytest.fixture
async def mailboxes() -> AsyncIterator[Mailboxes]:
    async with receiving_mail() as opened:
        yield opened


async def dead_webhook(engine: Engine, **more: Any) -> str:
    """Deactivated by the rule, with one delivery held."""
    given = {"schedule": (1,), "name": "CRM sync", "recipients": (OPS,)} | more
    webhook = await engine.webhook("/dead", **given)
    engine.receiver.usually["/dead"] = Answer(503)
    async with engine.working():
        await engine.post()
        await engine.receiver.got(1, "/dead")
        engine.skip(1)
        await engine.deactivated(webhook)
    return webhook


async def kinds() -> list[str]:
    return [row.kind for row in await Notice.objects().order_by(Notice.id)]


async def test_a_dead_receiver_is_told_of_with_all_one_needs_to_know(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    webhook = await dead_webhook(engine)
    await send_mails(engine, mailboxes.url, tmp_path)
    (got,) = mailboxes.to(OPS)
    assert got["Subject"] == "CRM sync was deactivated: 503 from 127.0.0.1"
    link = re.findall(r"http://callboard\.test/activate/[\w-]+", text_of(got))[0]
    for form in ("plain", "html"):
        text = text_of(got, form)
        assert "every try failed" in text
        assert "The last answer was 503: “ok”." in text
        assert "1 delivery is held. The first expires on" in text
        assert link in text
    assert got["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "http://callboard.test/unsubscribe/" in got["List-Unsubscribe"]
    assert got["From"] == "hooks@example.org"
    row = await webhooks.get(engine.account, webhook)
    found = await activation.behind_link(engine.runtime.links, link.rpartition("/")[2])
    assert found.id == row.id


async def test_a_member_gets_no_way_to_unsubscribe_by_a_click(
    engine: Engine, mailboxes: Mailboxes, cast, tmp_path: Path
):
    await dead_webhook(engine, recipients=(cast.bob.member.id,))
    await send_mails(engine, mailboxes.url, tmp_path)
    (got,) = mailboxes.to("bob@acme.example")
    assert "List-Unsubscribe" not in got


async def test_the_second_failed_try_is_told_once(engine: Engine):
    await engine.webhook(schedule=(1, 3600), recipients=(OPS,))
    engine.receiver.usually["/"] = Answer(500)
    async with engine.working():
        for calls in (1, 3):
            await engine.post()
            await engine.receiver.got(calls)
            engine.skip(1)
            await engine.receiver.got(calls + 1)
    assert await kinds() == ["failing"]


async def test_the_failing_mail_says_when_the_webhook_will_be_deactivated(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    await engine.webhook(schedule=(1, 3600), name="CRM sync", recipients=(OPS,))
    engine.receiver.usually["/"] = Answer(500)
    async with engine.working():
        await engine.post()
        await engine.receiver.got(1)
        engine.skip(1)
        await engine.receiver.got(2)
    await send_mails(engine, mailboxes.url, tmp_path)
    (got,) = mailboxes.to(OPS)
    assert got["Subject"] == "CRM sync is failing: 500 from 127.0.0.1"
    assert "It will be deactivated on" in text_of(got)


async def test_only_chosen_kinds_are_told(engine: Engine):
    await dead_webhook(engine, notify=("recovered", "delivery_failed"))
    assert await kinds() == []
    webhook = await engine.webhook(
        "/other", schedule=(), recipients=(OPS,), notify=("delivery_failed",)
    )
    engine.receiver.usually["/other"] = Answer(500)
    async with engine.working():
        await engine.post()
        await engine.settled()
    assert await kinds() == ["delivery_failed"]
    assert await engine.state(webhook) == "active"


async def test_an_event_that_cannot_be_sent_is_told_of_in_words(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    notify = ("delivery_failed",)
    await engine.webhook(
        "/${data.id}", name="CRM sync", recipients=(OPS,), notify=notify
    )
    async with engine.working():
        await engine.post()
        await engine.settled()
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(hours=1))
    (got,) = mailboxes.to(OPS)
    assert got["Subject"].endswith("failed: a value is missing or does not fit")
    assert "could not be sent. The event has no ${data.id}." in text_of(got)


async def test_after_the_activation_the_first_success_is_told(engine: Engine):
    webhook = await dead_webhook(engine)
    del engine.receiver.usually["/dead"]
    await engine.activate(webhook, "deliver")
    async with engine.working():
        await engine.settled()
        await engine.post()
        await engine.settled()
    assert await kinds() == ["deactivated", "recovered"]


async def test_a_day_before_held_events_expire_people_are_reminded_once(
    engine: Engine,
):
    await dead_webhook(engine, hold_days=5)
    now = engine.runtime.clock()
    await spells.remind(now + timedelta(days=3.9))
    assert await kinds() == ["deactivated"]
    for _ in range(2):
        await spells.remind(now + timedelta(days=4.1))
    assert await kinds() == ["deactivated", "reminder"]


async def test_the_reminder_says_what_expires_when_and_brings_the_link(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    webhook = await dead_webhook(engine, hold_days=5, notify=("reminder",))
    engine.skip(timedelta(days=4.1).total_seconds())
    await spells.remind(engine.runtime.clock())
    await send_mails(engine, mailboxes.url, tmp_path)
    (got,) = mailboxes.to(OPS)
    assert got["Subject"].startswith("CRM sync: held deliveries expire from ")
    for form in ("plain", "html"):
        words = " ".join(text_of(got, form).split())
        assert "still deactivated. 1 delivery is held. The first expires on" in words
        assert "New events are held until" in words
    (link,) = re.findall(r"http://callboard\.test/activate/([\w-]+)", text_of(got))
    assert (await activation.behind_link(engine.runtime.links, link)).id == webhook


async def test_one_mailbox_that_refuses_keeps_no_other_from_its_mail(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    mailboxes.refused.add("gone@example.org")
    await dead_webhook(engine, recipients=("gone@example.org", OPS))
    await send_mails(engine, mailboxes.url, tmp_path)
    assert len(mailboxes.to(OPS)) == 1
    lost = await Notice.objects().get(Notice.address == "gone@example.org")
    assert lost is not None
    assert "550 No such mailbox" in lost.error
    assert not lost.sent_at
    assert lost.tries == 1
    assert lost.due is not None
    mailboxes.refused.clear()
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(hours=1))
    assert len(mailboxes.to("gone@example.org")) == 1
    assert len(mailboxes.to(OPS)) == 1


async def test_after_a_day_of_vain_tries_a_mail_is_given_up(
    engine: Engine, tmp_path: Path
):
    await dead_webhook(engine)
    for hours in (0, 6, 12, 25):
        await send_mails(engine, "smtp://127.0.0.1:9", tmp_path, timedelta(hours=hours))
    (row,) = await Notice.objects()
    assert row.tries == 4
    assert not row.due
    assert not row.sent_at
    assert "cannot be used" in row.error


async def test_without_a_mail_server_mails_go_to_the_outbox(
    engine: Engine, tmp_path: Path
):
    await dead_webhook(engine)
    await send_mails(engine, None, tmp_path / "outbox")
    (file,) = (tmp_path / "outbox").iterdir()
    assert file.suffix == ".eml"
    assert "Subject: CRM sync was deactivated" in file.read_text()
    (row,) = await Notice.objects()
    assert row.sent_at is not None


async def test_two_workers_send_each_mail_once(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    await dead_webhook(engine)
    both = [
        postman(engine, mailboxes.url, tmp_path, worker=worker)
        for worker in ("wrk_a", "wrk_b")
    ]
    for each in both:
        await Watch(each.worker).beat(engine.runtime.clock())
    await asyncio.gather(*(each.send_due() for each in both))
    assert len(mailboxes.mails) == 1


async def test_mails_of_a_deleted_webhook_are_not_sent(engine: Engine, tmp_path: Path):
    webhook = await dead_webhook(engine)
    await engine.delete(webhook)
    await send_mails(engine, None, tmp_path / "outbox")
    assert not (tmp_path / "outbox").exists()
    await engine.work()


def test_links_are_read_only_as_what_they_were_signed_for():
    links = Links(["k" * 40], "https://hooks.example")
    token = links.activate("wh_1", "17").rpartition("/")[2]
    assert links.read_activate(token) == ("wh_1", "17")
    assert links.read_unsubscribe(token) is None
    assert Links(["n" * 40, "k" * 40], "").read_activate(token) == ("wh_1", "17")
    assert Links(["n" * 40], "").read_activate(token) is None
    for bad in ("", "x", token[:-2], "A" + token[1:], token + "AA", "ä" * 50):
        assert links.read_activate(bad) is None
