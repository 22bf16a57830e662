"""Pages behind the links in our mails: nobody signs in, the token is the right.

GET and HEAD change nothing: mail programs open links to look at them. No CSRF cookie
is asked for: a browser that comes from a mail has none, and nobody else has the token.
"""

from typing import Any, Literal

from litestar import Controller, HttpMethod, post, route
from litestar.datastructures import ResponseHeader
from litestar.params import FromPath, FromQuery
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Template

from callboard.catalogue import event_types
from callboard.delivery.calls.targets import read_target
from callboard.errors import Conflict, LimitReached, NotFound
from callboard.insight import trial
from callboard.notices import activation
from callboard.notices.activation import MOST_TESTS, Over
from callboard.runtime import Runtime
from callboard.webhooks import unsubscribing
from callboard.webhooks.settings import settings_of
from callboard.webhooks.tables import Webhook
from web.pages import forms, webhook_views
from web.screens import screen
from web.security import Running

_LOOKS = [HttpMethod.GET, HttpMethod.HEAD]
_OPEN = {"public": True, "exclude_from_csrf": True}
_SECRET = [
    ResponseHeader(name="Referrer-Policy", value="no-referrer"),
    ResponseHeader(name="Cache-Control", value="no-store"),
    ResponseHeader(name="X-Robots-Tag", value="noindex"),
]
_HELD: dict[str, Literal["deliver", "discard"]] = {
    "deliver": "deliver",
    "discard": "discard",
    "activate": "deliver",  # nothing was held when the page was shown
}


class ActivationController(Controller):
    path = "/activate/{token:str}"
    opt = _OPEN
    response_headers = _SECRET

    @route("/", http_method=_LOOKS)
    async def show(
        self,
        request: HTMXRequest,
        runtime: Running,
        token: FromPath[str],
        ask: FromQuery[str] = "",
    ) -> Template:
        try:
            row = await activation.behind_link(runtime.links, token)
        except (NotFound, Over) as problem:
            return _useless(request, problem)
        return await _activation(request, token, row, ask=ask == "discard")

    @post("/", status_code=200)
    async def act(
        self, request: HTMXRequest, runtime: Running, token: FromPath[str]
    ) -> Template:
        act = (await forms.texts(request, "act"))["act"]
        try:
            if act in _HELD:
                return await _activate(request, runtime, token, act)
            row = await activation.behind_link(runtime.links, token)
            if act == "test":
                return await _test(request, runtime, token, row)
        except (NotFound, Over) as problem:
            return _useless(request, problem)
        return await _activation(request, token, row)


class UnsubscribeController(Controller):
    path = "/unsubscribe/{token:str}"
    opt = _OPEN
    response_headers = _SECRET

    @route("/", http_method=_LOOKS)
    async def show(
        self, request: HTMXRequest, runtime: Running, token: FromPath[str]
    ) -> Template:
        return await _unsubscribe(request, runtime, token, done=False)

    @post("/", status_code=200)
    async def unsubscribe(
        self, request: HTMXRequest, runtime: Running, token: FromPath[str]
    ) -> Template:
        """What the button does, and the mail program's own (RFC 8058)."""
        return await _unsubscribe(request, runtime, token, done=True)


async def _activate(
    request: HTMXRequest,
    runtime: Runtime,
    token: str,
    act: str,
) -> Template:
    now = runtime.clock()
    try:
        row = await activation.activate(runtime.links, token, _HELD[act], now)
    except Conflict as problem:
        row = await activation.behind_link(runtime.links, token)
        said = problem.message
        return await _activation(request, token, row, said=said, status=409)
    runtime.queue.ring()
    return _plain(request, "mail_links/activated.html", name=row.name, act=act)


async def _test(
    request: HTMXRequest, runtime: Runtime, token: str, row: Webhook
) -> Template:
    """With the sample of an event that it listens to."""
    type = await event_types.first_wanted(row.account, settings_of(row).events)
    if type is None:
        said = "It listens to no type of the catalogue, so there is no sample to send."
        return await _activation(request, token, row, said=said, status=422)
    try:
        await activation.count_test(row.id)
    except LimitReached as problem:
        said = problem.message
        return await _activation(request, token, row, said=said, status=429)
    now = runtime.clock()
    facts = await trial.sample_of(row.account, type, now)
    target = await read_target(row, runtime.vault)
    made = await trial.send(runtime.sender, target, facts, row.id, now)
    result = webhook_views.result(made, type)
    return await _activation(request, token, row, result=result)


async def _activation(
    request: HTMXRequest,
    token: str,
    row: Webhook,
    *,
    ask: bool = False,
    status: int = 200,
    **shown: Any,
) -> Template:
    return _plain(
        request,
        "mail_links/activate.html",
        status,
        token=token,
        webhook=await webhook_views.shown(row),
        rule_words=webhook_views.rule_words(row),
        tests_left=await activation.tests_left(row.id),
        most_tests=MOST_TESTS,
        ask=ask,
        **{"said": "", "result": None, **shown},
    )


async def _unsubscribe(
    request: HTMXRequest, runtime: Runtime, token: str, done: bool
) -> Template:
    found = runtime.links.read_unsubscribe(token)
    try:
        if found is None:
            raise NotFound("This link cannot be read.")
        name = await unsubscribing.words_for(found[0])
        if done:
            await unsubscribing.unsubscribe(*found, runtime.clock())
    except NotFound as problem:
        return _useless(request, problem)
    return _plain(
        request,
        "mail_links/unsubscribe.html",
        token=token,
        name=name,
        address=found[1],
        done=done,
    )


def _useless(request: HTMXRequest, problem: NotFound | Over) -> Template:
    over = isinstance(problem, Over)
    status = 410 if over else 404
    return _plain(request, "mail_links/useless.html", status, over=over)


def _plain(
    request: HTMXRequest, page: str, status: int = 200, **context: Any
) -> Template:
    return screen(request, page, page, status=status, **context)
