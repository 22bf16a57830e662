"""What each recipient of a webhook was told last."""

from datetime import timedelta

from callboard.config import Settings
from callboard.database import writing
from callboard.notices import posting
from callboard.notices.letters import Facts
from callboard.vault import Vault
from callboard.webhooks import webhooks
from callboard.webhooks.settings import NewWebhook
from callboard.webhooks.tables import Webhook
from tests import make
from tests.cast import Cast

OFTEN, ONCE = "often@acme.example", "once@acme.example"


async def told(row: Webhook, recipients: str, first: int, end: int) -> None:
    row.recipients = recipients
    facts = Facts(name=row.name, url=row.url)
    async with writing() as db:
        for number in range(first, end):
            now = make.NOW + timedelta(seconds=number)
            await posting.post(db, row, "failing", str(number), facts, now)


async def test_each_is_found_however_often_others_were_told_since(
    cast: Cast, settings: Settings
):
    vault = Vault(list(settings.secret_keys))
    new = NewWebhook(url="https://a.example/", events=("*",))
    row, _ = await webhooks.create(cast.alice.at(make.NOW), new, vault, True)
    await told(row, f'["{ONCE}", "{OFTEN}"]', 0, 1)
    await told(row, f'["{OFTEN}"]', 1, 600)
    found = await posting.latest(row.id, [OFTEN, ONCE, "never@acme.example"])
    assert {each: notice.occasion for each, notice in found.items()} == {
        ONCE: "0",
        OFTEN: "599",
    }
