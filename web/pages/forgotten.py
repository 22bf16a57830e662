"""Members who have forgotten the password ask for a link by mail."""

from typing import Any

from litestar import Controller, get, post
from litestar.background_tasks import BackgroundTask
from litestar.params import FromQuery
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.errors import LimitReached
from callboard.notices import forgotten
from callboard.runtime import Runtime
from web.pages import forms
from web.screens import elsewhere, screen
from web.security import PUBLIC, Running, address_of


class ForgottenController(Controller):
    path = "/login/forgotten"

    @get("/", opt=PUBLIC)
    async def show(
        self, request: HTMXRequest, runtime: Running, asked: FromQuery[bool] = False
    ) -> Template:
        return _page(request, runtime, {"email": ""}, asked=asked)

    @post("/", opt=PUBLIC)
    async def ask(self, request: HTMXRequest, runtime: Running) -> Response[Any]:
        """What is done comes after the answer: its time would tell a known address."""
        form, address = await forms.texts(request, "email"), address_of(request)
        try:
            await forgotten.admit(address, runtime.clock(), runtime.tries)
        except LimitReached as error:
            return _page(request, runtime, form, error)
        answer = elsewhere(request, f"{self.path}?asked=true")
        answer.background = BackgroundTask(_ask, runtime, form["email"], address)
        return answer


async def _ask(runtime: Runtime, email: str, address: str) -> None:
    await forgotten.ask(email, address, runtime.clock())
    runtime.queue.post()


def _page(
    request: HTMXRequest,
    runtime: Runtime,
    form: dict[str, str],
    error: LimitReached | None = None,
    asked: bool = False,
) -> Template:
    return screen(
        request,
        "forgotten.html",
        "forgotten.html",
        status=forms.status(error) if error else 200,
        form=form,
        problems=forms.problems(error) if error else [],
        asked=asked,
        sends=runtime.settings.smtp_url is not None,
    )
