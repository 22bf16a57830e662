"""Who hears of an outage, and whether the mail reached them."""

from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from tests.engine import Engine
from tests.mailboxes import receiving_mail
from tests.pages.signed_in import Browser, seen
from tests.posting import send_mails
from tests.receiver import Answer

OPS, GONE = "ops@example.org", "gone@example.org"


async def test_a_mailbox_that_refuses_shows_beside_its_recipient_only(
    alice: Browser, engine: Engine, tmp_path: Path
):
    webhook = await engine.webhook(schedule=(1,), recipients=(GONE, OPS))
    engine.receiver.usually["/"] = Answer(503)
    async with engine.working():
        await engine.post()
        await engine.receiver.got(1)
        engine.skip(1)
        await engine.deactivated(webhook)
    async with receiving_mail() as mailboxes:
        mailboxes.refused.add(GONE)
        await send_mails(engine, mailboxes.url, tmp_path)
        assert len(mailboxes.to(OPS)) == 1
    page = (await alice.get(f"/webhooks/{webhook}?tab=people")).text
    gone, ops = sorted((page.index(GONE), page.index(OPS)))
    assert "550 No such mailbox" in page[gone:ops]
    assert "550 No such mailbox" not in page[ops:]
    assert "last notice: written to the outbox" in page[ops:]  # no server is set


@pytest.mark.parametrize(
    ("chosen", "hear"),
    [
        ({}, False),
        ({"recipients": (OPS,)}, True),
        ({"recipients": (OPS,), "notify": ()}, False),
    ],
    ids=["nobody", "an address", "who hears nothing"],
)
async def test_a_draft_that_alerts_nobody_says_so_before_it_is_activated(
    alice: Browser, engine: Engine, chosen: dict[str, Any], hear: bool
):
    id = await engine.webhook(active=False, **chosen)
    for path in (f"/webhooks/{id}", f"/webhooks/{id}/keys/secret"):
        page = seen(await alice.get(path))
        assert ("Nobody gets a mail when it fails." in page) != hear
    await alice.post(f"/webhooks/{id}/activate")
    assert await engine.state(id) == "active"


async def test_who_has_left_is_nobody(alice: Browser, engine: Engine, cast: Cast):
    bob = cast.bob.member.id
    id = await engine.webhook(active=False, recipients=(bob,))
    assert "Nobody gets a mail" not in seen(await alice.get(f"/webhooks/{id}"))
    await alice.post(f"/settings/members/{bob}/remove")
    assert "Nobody gets a mail" in seen(await alice.get(f"/webhooks/{id}"))
