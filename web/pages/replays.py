from collections.abc import Awaitable
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts.actor import Actor
from callboard.errors import CallboardError, Conflict, Invalid, raise_all
from callboard.numerals import written
from callboard.replays import progress, replays
from callboard.replays.progress import ReplayView
from callboard.replays.replays import Preview
from callboard.replays.selection import Selection
from callboard.runtime import Runtime
from callboard.webhooks import webhooks
from callboard.webhooks.states import WebhookState
from web.pages import asked, forms, questions
from web.pages.replay_form import ReplayForm
from web.screens import elsewhere, screen, screen_if_new
from web.security import MEMBERS, Running

_NO_DIALOG = {"HX-Retarget": "#preview", "HX-Reswap": "outerHTML"}


class ReplaysController(Controller):
    path = "/replays"

    @get("/")
    async def index(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        webhook: FromQuery[str] = "",
        cursor: FromQuery[str] = "",
    ) -> Response[Any]:
        left, told = asked.read(request, cursor=cursor)
        page = await progress.page(account, webhook, left["cursor"])
        return screen_if_new(
            request,
            "replays/list.html",
            "replays/_rows.html",
            page,
            page=page,
            webhook=webhook,
            polls=not left["cursor"] and any(each.is_open for each in page.items),
            **told,
        )

    @get("/new", opt=MEMBERS)
    async def ask(
        self, request: HTMXRequest, account: NamedDependency[str], runtime: Running
    ) -> Template:
        """The form, and beside it what it comes to, as soon as a webhook is chosen."""
        form = ReplayForm.read(request.query_params)
        if not form.webhook:
            return await _form(request, account, form)
        try:
            preview = await _preview(account, form, runtime)
        except Invalid as error:
            if [each.code for each in error.problems] == ["not_active"]:
                return await _form(request, account, form, waits=error.message)
            return await _form(request, account, form, error=error)
        return await _form(request, account, form, preview)

    @get("/confirm", opt=MEMBERS)
    async def ask_again(
        self, request: HTMXRequest, account: NamedDependency[str], runtime: Running
    ) -> Template:
        form = ReplayForm.read(request.query_params)
        try:
            preview = await _preview(account, form, runtime)
        except Invalid as error:
            answer = await _form(request, account, form, error=error)
            answer.headers |= _NO_DIALOG
            return answer
        row = await webhooks.get(account, form.webhook)
        page, part = "replays/confirm.html", "replays/_confirm.html"
        return screen(
            request, page, part, form=form, preview=preview, webhook_name=row.name
        )

    @post("/")
    async def start(
        self, request: HTMXRequest, by: NamedDependency[Actor], runtime: Running
    ) -> Response[Any]:
        form = ReplayForm.read(await request.form())
        try:
            wanted = await _selected(by.account, form, runtime)
            made = await replays.start(by, wanted, runtime.settings.retention)
        except (Invalid, Conflict) as error:
            return await _form(request, by.account, form, error=error)
        runtime.queue.replay()
        return elsewhere(request, f"/replays/{made.id}")

    @get("/{id:str}")
    async def show(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Response[Any]:
        replay = await progress.get(account, id)
        page, part = "replays/detail.html", "replays/_replay.html"
        return screen_if_new(request, page, part, replay, replay=replay)

    @post("/{id:str}/pause")
    async def pause(
        self, request: HTMXRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> Response[Any]:
        return await _moved(request, id, replays.pause(by, id))

    @post("/{id:str}/resume")
    async def resume(
        self,
        request: HTMXRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> Response[Any]:
        answer = await _moved(request, id, replays.resume(by, id))
        runtime.queue.replay()
        return answer

    @get("/{id:str}/cancel", opt=MEMBERS)
    async def ask_to_cancel(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Template:
        replay = await progress.get(account, id)
        return questions.ask(
            request,
            "replays",
            title="Cancel this replay?",
            text="No more is sent, and what was made and still waits is cancelled,"
            f" too. {written(replay.delivered)} of {written(replay.total)} have been"
            " delivered; what is being sent right now comes to its end.",
            act="Cancel the replay",
            back=f"/replays/{id}",
            leave="Let it go on",
        )

    @post("/{id:str}/cancel")
    async def cancel(
        self, request: HTMXRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> Response[Any]:
        return await _moved(request, id, replays.cancel(by, id))


async def _moved(
    request: HTMXRequest, id: str, act: Awaitable[ReplayView]
) -> Response[Any]:
    """To its page, which says so where it has come to its end meanwhile."""
    said = ""
    try:
        await act
    except Conflict as error:
        said = error.message
    return elsewhere(request, f"/replays/{id}", said)


async def _preview(account: str, form: ReplayForm, runtime: Runtime) -> Preview:
    keep, now = runtime.settings.retention, runtime.clock()
    wanted = await _selected(account, form, runtime)
    return await replays.preview(account, wanted, keep, now)


async def _selected(account: str, form: ReplayForm, runtime: Runtime) -> Selection:
    """Raises Invalid with what could not be read and what the rules say of the rest."""
    keep, now = runtime.settings.retention, runtime.clock()
    wanted, unread = form.to_command()
    try:
        await replays.check(account, wanted, keep, now)
    except Invalid as error:
        raise Invalid([*unread, *error.problems]) from None
    raise_all(unread)
    return wanted


async def _form(
    request: HTMXRequest,
    account: str,
    form: ReplayForm,
    preview: Preview | None = None,
    error: CallboardError | None = None,
    waits: str = "",
) -> Template:
    rows = await webhooks.choices(account, form.webhook)
    return screen(
        request,
        "replays/new.html",
        "replays/_preview.html",
        status=forms.status(error) if error else 200,
        form=form,
        preview=preview,
        problems=forms.problems(error) if error else [],
        waits=waits,
        webhooks=[row for row in rows if row.state == WebhookState.ACTIVE],
        stopped=[row for row in rows if row.state != WebhookState.ACTIVE],
    )
