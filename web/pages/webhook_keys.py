"""A webhook's signing keys: replaced, shown again, and calls held against them."""

from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response, Template

from callboard.accounts.actor import Actor
from callboard.errors import CallboardError
from callboard.insight import verifying
from callboard.runtime import Runtime
from callboard.signing.examine import conclusion, parse_headers
from callboard.webhooks import rotation, webhooks
from web.pages import forms, questions, webhook_key_views, webhook_tabs
from web.screens import elsewhere, screen
from web.security import MEMBERS, VIEWERS, Running


class WebhookKeysController(Controller):
    path = "/webhooks/{id:str}/keys"

    @post("/rotate")
    async def rotate(
        self,
        request: HTMXRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> Response[Any]:
        """A new secret is shown once; a public key stands on the page anyway."""
        form = await forms.texts(request, "overlap_hours", "secret")
        brought = form["secret"].strip() or None
        try:
            hours = forms.whole(form["overlap_hours"])
            overlap = await rotation.overlap_of(by.account, id, hours, brought)
            secret = await rotation.rotate(
                by, id, runtime.vault, by.now + overlap, brought
            )
        except CallboardError as error:
            return await _refused(request, runtime, by.account, id, form, error)
        if secret is None:
            said = "The new key signs. Its public half is below."
            return elsewhere(request, f"/webhooks/{id}?tab=keys", said)
        return webhook_key_views.show_new(request, id)

    @get("/end-overlap", opt=MEMBERS)
    async def ask_to_end_overlap(
        self, request: HTMXRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> Template:
        row = await webhooks.get(account, id)
        return questions.ask(
            request,
            "webhooks",
            title=f"End the overlap of {row.name}?",
            text="The new key alone signs from now on. A receiver who still checks"
            " with the old one refuses every call.",
            act="End the overlap",
            back=f"/webhooks/{id}?tab=keys",
            leave="Let both sign",
        )

    @post("/end-overlap")
    async def end_overlap(
        self, request: HTMXRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> Response[Any]:
        await rotation.end_overlap(by, id)
        return elsewhere(
            request, f"/webhooks/{id}?tab=keys", "The new key alone signs."
        )

    @post("/reveal")
    async def reveal(
        self,
        request: HTMXRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> Response[Any]:
        await rotation.reveal(by, id, runtime.vault)
        return webhook_key_views.show_all(request, id)

    @get("/secret", opt=MEMBERS)
    async def show_secret(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> Template:
        """For those who have just made or asked for it; on the next look it is gone."""
        row = await webhooks.get(account, id)
        name = "webhooks/secret.html"
        context = await webhook_key_views.secret(request, row, runtime)
        return screen(request, name, name, **context)

    @post("/verify", opt=VIEWERS)
    async def verify(
        self,
        request: HTMXRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> Template:
        """Why a call that somebody received passes the check, or does not."""
        pasted = await forms.texts(request, "headers", "body", "language")
        row, now = await webhooks.get(account, id), runtime.clock()
        headers, body = parse_headers(pasted["headers"]), pasted["body"].encode()
        steps = await verifying.verify(row, runtime.vault, headers, body, now)
        context = await webhook_tabs.shared(row, runtime)
        context |= webhook_key_views.checking(row, now, pasted["language"])
        context |= {
            "tab": "verify",
            "pasted": pasted,
            "steps": steps,
            "conclusion": conclusion(steps),
        }
        return _tab(request, "_verified", 200, context)


async def _refused(
    request: HTMXRequest,
    runtime: Runtime,
    account: str,
    id: str,
    form: dict[str, str],
    error: CallboardError,
) -> Template:
    """The tab again, with what was typed and what is wrong with it."""
    row = await webhooks.get(account, id)
    context = await webhook_tabs.shared(row, runtime) | {"rotation": form}
    context |= {"tab": "keys", "problems": forms.problems(error)}
    return _tab(request, "_keys", forms.status(error), context)


def _tab(
    request: HTMXRequest, part: str, status: int, context: dict[str, Any]
) -> Template:
    page, part = "webhooks/detail.html", f"webhooks/{part}.html"
    return screen(request, page, part, status=status, **context)
