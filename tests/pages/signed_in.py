"""A browser without JavaScript: cookies, forms with their token, and what is seen."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from typing import Any

import httpx
from litestar import Litestar

from callboard.accounts import sessions
from callboard.runtime import Runtime
from tests.cast import Person
from web import cookies


class Browser:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, status: int = 200, **more: Any) -> httpx.Response:
        answer = await self.client.get(path, **more)
        assert answer.status_code == status, answer.text
        return answer

    async def post(
        self, path: str, form: dict[str, Any] | None = None, status: int = 303
    ) -> httpx.Response:
        """With the token that every form here carries."""
        answer = await self.client.post(
            path, data={"_csrf_token": await self.token(), **(form or {})}
        )
        assert answer.status_code == status, answer.text
        return answer

    async def shown(
        self, path: str, form: dict[str, Any] | None = None
    ) -> httpx.Response:
        """The page that an act leads to."""
        answer = await self.post(path, form)
        return await self.get(answer.headers["Location"])

    async def part(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(path, headers={"HX-Request": "true"}, **more)

    async def post_part(
        self, path: str, form: dict[str, Any], status: int = 200
    ) -> httpx.Response:
        """As htmx does."""
        headers = {"HX-Request": "true", "x-csrftoken": await self.token()}
        answer = await self.client.post(path, data=form, headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    async def token(self) -> str:
        if cookies.CSRF not in self.client.cookies:
            await self.client.get("/login")
        return self.client.cookies[cookies.CSRF]


@asynccontextmanager
async def browser(app: Litestar, runtime: Runtime) -> AsyncIterator[Browser]:
    """Nobody is signed in. The transport runs no lifespan, so the runtime comes so."""
    app.state.runtime = runtime
    asgi: Any = app  # its own types of ASGI are narrower
    transport = httpx.ASGITransport(app=asgi, raise_app_exceptions=False)
    base = "http://callboard.test"
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield Browser(client)


async def sign_in(browser: Browser, runtime: Runtime, person: Person) -> Browser:
    token = await sessions.start(person.member, runtime.clock(), "Tests/1.0")
    browser.client.cookies.set(cookies.SESSION, token)
    return browser


def seen(answer: httpx.Response) -> str:
    """The page's words, on one line."""
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", answer.text, flags=re.S)
    return " ".join(unescape(text).split())


def polled(answer: httpx.Response, start: str) -> str:
    """The address that a part of the page fetches again by itself."""
    (path,) = re.findall(rf'hx-get="({re.escape(start)}[^"]*seen=\w+)"', answer.text)
    return unescape(path)
