"""From the first failure to the last held event, with real processes and real mail."""

import re
from typing import Any

import httpx
from playwright.async_api import Browser, expect

from callboard.config import Settings
from tests.browser.walk import TYPE, Walk
from tests.live import Live, living
from tests.mailboxes import receiving_mail, text_of
from tests.receiver import Answer, Receiver

OPS, GONE = "ops@example.org", "gone@example.org"


async def test_the_link_in_the_mail_brings_everything_back_once_and_in_order(
    db: None, settings: Settings, chromium: Browser, receiver: Receiver
) -> None:
    async with (
        receiving_mail() as mailboxes,
        living(settings, SMTP_URL=mailboxes.url) as live,
    ):
        mailboxes.refused.add(GONE)
        gate = receiver.close_gate("/", Answer(503))
        walk = Walk(await chromium.new_page(), live)
        await walk.set_up()
        await walk.install_catalogue()
        key = await walk.make_key()
        webhook = await _webhook(live, key, receiver)
        sent = [await walk.send_event(key) for _ in range(3)]
        gate.set()
        (failing,) = await mailboxes.got(1, OPS)
        assert failing["Subject"] == "CRM sync is failing: 503 from 127.0.0.1"
        _, deactivated = await mailboxes.got(2, OPS)
        assert "3 deliveries are held" in text_of(deactivated)
        sent += [await walk.send_event(key) for _ in range(4)]
        link = re.findall(rf"{live.url}/activate/[\w-]+", text_of(deactivated))[0]

        # Somebody else, who has no account here.
        stranger = await (await chromium.new_context()).new_page()
        await stranger.goto(link)
        button = "Activate and deliver 7 held"
        await expect(stranger.get_by_role("button", name=button)).to_be_visible()
        await stranger.get_by_role("button", name="Send a test call").click()
        await expect(
            stranger.get_by_text("The receiver refused the test")
        ).to_be_visible()
        tried = len(receiver.calls)
        del receiver.usually["/"]
        await stranger.get_by_role("button", name=button).click()
        await expect(stranger.get_by_text("CRM sync is active again.")).to_be_visible()

        calls = (await receiver.got(tried + 7))[tried:]
        assert [call.id for call in calls] == sent
        recovered = (await mailboxes.got(3, OPS))[-1]
        assert recovered["Subject"] == "CRM sync is back to normal"
        await stranger.goto(link)
        await expect(stranger.get_by_text("no longer needed")).to_be_visible()
        await walk.go(f"/webhooks/{webhook}?tab=people")
        await walk.reloads_until("main", "550 No such mailbox", "last notice: sent")
        assert mailboxes.to(GONE) == []
        assert len(receiver.calls) == tried + 7
        assert walk.troubles == []


async def _webhook(live: Live, key: str, receiver: Receiver) -> str:
    made: dict[str, Any] = {
        "url": f"{receiver.url}/",
        "name": "CRM sync",
        "events": [TYPE],
        "ordered": True,
        "retry": {"schedule": [1, 1]},
        "recipients": [OPS, GONE],
        "state": "active",
    }
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{live.url}/api/v1/webhooks",
            headers={"Authorization": f"Bearer {key}"},
            json=made,
        )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])
