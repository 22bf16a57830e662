"""A receiver stays away, with real processes and a real mail server: what a program
does about it, and what people hear meanwhile."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from callboard.accounts import accounts, keys
from callboard.accounts.actor import Actor
from callboard.config import Settings
from callboard.database import writing
from callboard.notices import posting
from tests import make
from tests.engine import TYPE, eventually
from tests.live import living
from tests.mailboxes import Mailboxes, receiving_mail, text_of
from tests.receiver import Answer, Receiver

OPS, GONE = "ops@example.org", "gone@example.org"


@dataclass
class Program:
    """It has one webhook, which it found no receiver for."""

    api: httpx.AsyncClient
    receiver: Receiver
    mailboxes: Mailboxes
    webhook: str = ""

    async def call(self, method: str, path: str, status: int, **body: Any) -> Any:
        json = body if method == "POST" else None
        answer = await self.api.request(method, f"/api/v1{path}", json=json)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def shown(self) -> Any:
        return await self.call("GET", f"/webhooks/{self.webhook}", 200)

    async def activate(self, status: int = 200, **how: str) -> None:
        await self.call("POST", f"/webhooks/{self.webhook}/activate", status, **how)

    async def send(self) -> str:
        event = {"type": TYPE, "data": {}}
        return str((await self.call("POST", "/events", 202, **event))["id"])

    async def become(self, state: str, reason: str | None) -> None:
        """Waits until all five deliveries that were held have."""
        path = f"/deliveries?webhook={self.webhook}"

        async def have() -> bool:
            items = (await self.call("GET", path, 200))["items"]
            return [(each["state"], each["reason"]) for each in items] == [
                (state, reason)
            ] * 5

        await eventually(have)

    async def lose_its_receiver(self, name: str) -> None:
        """Until five deliveries are held and people have been told of it."""
        gate = self.receiver.close_gate("/", Answer(503))
        made = await self.call(
            *("POST", "/webhooks", 201),
            url=f"{self.receiver.url}/",
            name=name,
            events=[TYPE],
            retry={"schedule": [1, 1]},
            ordered=True,
            state="active",
            recipients=[OPS, GONE],
        )
        self.webhook, before = made["id"], len(self.mailboxes.to(OPS))
        for _ in range(3):
            await self.send()
        gate.set()
        *_, failing, deactivated = await self.mailboxes.got(before + 2, OPS)
        assert failing["Subject"] == f"{name} is failing: 503 from 127.0.0.1"
        assert "3 deliveries are held" in text_of(deactivated)
        for _ in range(2):
            await self.send()
        shown = await self.shown()
        assert (shown["state"], shown["held"]) == ("deactivated", 5)

    async def find_it_again(self, name: str, mails: int) -> None:
        """Only what is new arrives, and people are told once of each turn."""
        before = len(self.receiver.calls)
        sent = await self.send()
        await self.receiver.got(before + 1)
        *_, recovered = await self.mailboxes.got(mails, OPS)
        assert recovered["Subject"] == f"{name} is back to normal"
        assert [call.id for call in self.receiver.calls[before:]] == [sent]
        assert len(self.mailboxes.to(OPS)) == mails

    async def told(self) -> tuple[str, str]:
        """What became of the latest mail to each recipient."""

        async def are() -> bool:
            found = await posting.latest(self.webhook, [OPS, GONE])
            return bool(found[OPS].sent_at and found[GONE].error)

        await eventually(are)
        found = await posting.latest(self.webhook, [OPS, GONE])
        return found[OPS].error, found[GONE].error


async def test_what_was_held_is_discarded_or_expires_and_people_hear_of_it(
    db: None, settings: Settings, receiver: Receiver
):
    async with (
        receiving_mail() as mailboxes,
        living(settings, SMTP_URL=mailboxes.url) as live,
        httpx.AsyncClient(base_url=live.url) as api,
    ):
        mailboxes.refused.add(GONE)
        await _sign_in(api)
        program = Program(api, receiver, mailboxes)

        await program.lose_its_receiver("Discarded")
        del receiver.usually["/"]
        tried = len(receiver.calls)
        await program.activate(422)
        await program.activate(held="discard")
        await program.become("cancelled", "discarded")
        await program.find_it_again("Discarded", 3)
        assert len(receiver.calls) == tried + 1
        await program.call("DELETE", f"/webhooks/{program.webhook}", 204)

        await program.lose_its_receiver("Expired")
        del receiver.usually["/"]
        tried = len(receiver.calls)
        await _let_days_pass()
        await program.become("expired", "held too long")
        assert (await program.shown())["held"] == 0
        await program.activate()
        await program.find_it_again("Expired", 6)
        assert len(receiver.calls) == tried + 1
        reached, refused = await program.told()
        assert (reached, "550 No such mailbox" in refused) == ("", True)
        assert mailboxes.to(GONE) == []


async def _sign_in(api: httpx.AsyncClient) -> None:
    account = await accounts.first()
    assert account
    by = Actor(account.id, "program", make.NOW)
    _, key = await keys.create(by, "program", ())
    api.headers["Authorization"] = f"Bearer {key}"
    await make.event_type(account.id, TYPE)


async def _let_days_pass() -> None:
    """For what is held."""
    async with writing() as db:
        await db.fetch(
            "UPDATE delivery SET held_until = :past WHERE state = 'held'",
            past=make.NOW - timedelta(seconds=1),
        )
