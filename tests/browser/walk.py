"""What a person does in the browser, step by step."""

import asyncio
from dataclasses import dataclass, field

import httpx
from playwright.async_api import ConsoleMessage, Page, expect

from tests import make
from tests.live import Live

TYPE = "contact_added"
WITHIN = 30.0
# As htmx calls it when a request takes the place of one that was not answered yet. What
# goes wrong it calls something else besides.
REPLACED = ("htmx:afterRequest", "htmx:sendAbort")


@dataclass
class Walk:
    """`troubles`: what the console said, also about a broken content policy."""

    page: Page
    live: Live
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))

    async def go(self, path: str) -> None:
        await self.page.goto(self.live.url + path)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def press_sign_out(self) -> None:
        await self.page.set_viewport_size({"width": 1440, "height": 900})
        await self.press("Sign out")
        await self.page.wait_for_url(f"{self.live.url}/login")

    async def sees(self, text: str) -> None:
        await expect(self.page.get_by_text(text).first).to_be_visible()

    async def reloads_until(self, place: str, *texts: str) -> None:
        """For what a worker does in its own time, on a page that is not live."""
        async with asyncio.timeout(WITHIN):
            while not await self._shows(place, texts):
                await self.page.reload()

    async def set_up(self) -> None:
        await self.go(self.live.setup)
        for label, text in (
            ("Account", "Acme"),
            ("Your name", "Ada"),
            ("E-mail", "ada@acme.example"),
            ("Password", make.PASSWORD),
        ):
            await self.page.get_by_label(label).fill(text)
        await self.press("Create the account")
        await self.page.wait_for_url(f"{self.live.url}/")

    async def install_catalogue(self) -> None:
        await self.go("/catalogue")
        await self.page.get_by_role("button", name="Install").click()
        await self.sees(TYPE)

    async def fill_in(self, url: str) -> None:
        await self.go("/webhooks/new")
        await self.page.get_by_label("Callback URL").fill(url)
        await self.page.locator(f"[id='e-{TYPE}']").check()
        await self.page.get_by_label("ada@acme.example").check()

    async def make_key(self) -> str:
        await self.go("/settings/keys")
        await self.page.get_by_label("Name").fill("Shop")
        await self.press("Make the key")
        return await self.page.locator(".secret code").inner_text()

    async def send_event(self, key: str) -> str:
        """As the customer's own system does."""
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"{self.live.url}/api/v1/events",
                headers={"Authorization": f"Bearer {key}"},
                json={"type": TYPE, "data": await self._sample(client, key)},
            )
        assert answer.status_code == 202, answer.text
        assert answer.json()["deliveries"] == 1
        return str(answer.json()["id"])

    async def _shows(self, place: str, texts: tuple[str, ...]) -> bool:
        shown = await self.page.locator(place).inner_text()
        return all(text in shown for text in texts)

    async def _sample(self, client: httpx.AsyncClient, key: str) -> object:
        answer = await client.get(
            f"{self.live.url}/api/v1/event-types/{TYPE}/sample",
            headers={"Authorization": f"Bearer {key}"},
        )
        return answer.json()

    def _hear(self, message: ConsoleMessage) -> None:
        text = message.text
        if message.type in ("error", "warning") and not text.startswith(REPLACED):
            self.troubles.append(f"{self.page.url}: {text}")
