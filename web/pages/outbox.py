"""The mails that went out, or wait to: for those who have no mail server, their only
place. They hold links that activate webhooks, so viewers do not see them."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts.limits import TryLimit
from callboard.database import writing
from callboard.notices import posting
from callboard.webhooks import webhooks
from web.screens import elsewhere, screen
from web.security import MEMBERS, Running

_MOST_TESTS = 10
limit = TryLimit()


class OutboxController(Controller):
    path = "/settings/outbox"

    @get("/", opt=MEMBERS)
    async def index(
        self, request: HTMXRequest, account: NamedDependency[str], runtime: Running
    ) -> Template:
        mails = await posting.listed(account)
        names = await webhooks.names(account, [mail.webhook for mail, _ in mails])
        return screen(
            request,
            "settings/outbox.html",
            "settings/outbox.html",
            mails=mails,
            names=names,
            sends=runtime.settings.smtp_url is not None,
            mail_from=runtime.settings.mail_from,
            folder=str(runtime.settings.data_dir / "outbox"),
        )

    @post("/test", opt=MEMBERS)
    async def test(self, request: HTMXRequest, runtime: Running) -> Response[Any]:
        now = runtime.clock()
        limit.count({request.user.id: _MOST_TESTS}, now)
        async with writing() as db:
            await posting.post_test(db, request.user, now)
        runtime.queue.post()
        said = f"A test mail to {request.user.email} is on its way."
        return elsewhere(request, "/settings/outbox", said)
