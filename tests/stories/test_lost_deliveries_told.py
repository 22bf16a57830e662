"""Who asked to hear of each delivery that failed for good is not buried in mails."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callboard.notices import posting
from callboard.notices.standing import quoted
from callboard.notices.tables import Notice
from tests.engine import Engine
from tests.mailboxes import Mailboxes, receiving_mail, text_of
from tests.posting import send_mails
from tests.receiver import Answer

OPS = "ops@example.org"
TOLD: dict[str, Any] = {
    "recipients": (OPS,),
    "notify": ("delivery_failed",),
    "deactivate_after": None,
}


@pytest.fixture
async def mailboxes() -> AsyncIterator[Mailboxes]:
    async with receiving_mail() as opened:
        yield opened


async def losing(engine: Engine, events: int) -> None:
    async with engine.working():
        for _ in range(events):
            await engine.post()
            await engine.settled()


async def test_the_first_is_told_at_once_and_the_next_ones_together(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    engine.receiver.usually["/"] = Answer(503)
    await engine.webhook(name="CRM sync", schedule=(), **TOLD)
    await losing(engine, 1)
    await send_mails(engine, mailboxes.url, tmp_path)
    (got,) = mailboxes.to(OPS)
    assert got["Subject"] == "A delivery to CRM sync failed: 503 from 127.0.0.1"
    assert "Every try to deliver contact.created to CRM sync" in text_of(got)
    await losing(engine, 3)
    await send_mails(engine, mailboxes.url, tmp_path)
    assert len(mailboxes.mails) == 1
    assert (await posting.listed(engine.account))[0][1] == 3
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(minutes=1.1))
    _, later = mailboxes.to(OPS)
    assert later["Subject"] == "3 deliveries to CRM sync failed: 503 from 127.0.0.1"
    assert "/deliveries?webhook=wh_" in text_of(later)
    shown = await posting.listed(engine.account)
    assert [mail.subject for mail, _ in shown] == [later["Subject"], got["Subject"]]


async def test_those_of_several_webhooks_at_one_host_are_counted_by_webhook(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    engine.receiver.usually |= {"/a": Answer(503), "/b": Answer(500)}
    await engine.webhook("/a", name="Billing", schedule=(), **TOLD)
    await engine.webhook("/b", name="Search", schedule=(), **TOLD)
    await losing(engine, 2)
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(minutes=2))
    (got,) = mailboxes.to(OPS)
    assert got["Subject"].startswith("4 deliveries to 2 webhooks failed: ")
    for form in ("plain", "html"):
        assert "2 deliveries have failed: 503." in text_of(got, form)
        assert "2 deliveries have failed: 500." in text_of(got, form)


async def test_that_it_fails_is_not_told_after_its_deactivation(
    engine: Engine, mailboxes: Mailboxes, tmp_path: Path
):
    engine.receiver.usually |= {"/a": Answer(503)}
    webhook = await engine.webhook("/a", schedule=(1, 1), recipients=(OPS,))
    await engine.webhook("/b", schedule=())  # for whose mails its own ones wait
    async with engine.working():
        await engine.post()
        for calls in (1, 2, 3):
            await engine.receiver.got(calls, "/a")
            engine.skip(1)
        await engine.deactivated(webhook)
    await send_mails(engine, mailboxes.url, tmp_path, timedelta(minutes=2))
    assert ["deactivated" in got["Subject"] for got in mailboxes.to(OPS)] == [True]
    dropped = await Notice.objects().get(Notice.kind == "failing")
    assert dropped is not None
    assert dropped.error == "The webhook was deactivated before this was sent."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"database is\r\n being moved", "database is being moved"),
        (b"<html><head><title>x</title></head><h1>503</h1> gone", "503 gone"),
        (b"see https://evil.example/x or www.evil.example", "see … or …"),
        ("\u202edrow\x1b[31m".encode(), "drow [31m"),
        (b"\x89PNG\r\n\xff\xfe", ""),
        ("ä".encode() * 3000, "ä" * 159 + "…"),
        (b"", ""),
    ],
)
def test_what_a_receiver_said_is_quoted_in_one_harmless_line(body: bytes, words: str):
    assert quoted(body) == words
