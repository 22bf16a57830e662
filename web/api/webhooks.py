from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from callboard.accounts.actor import Actor
from callboard.delivery import standing
from callboard.delivery.standing import Standing
from callboard.errors import Problem
from callboard.runtime import Runtime
from callboard.signing import keys
from callboard.signing.schemes import Scheme
from callboard.webhooks import checking, defaults, lifecycle, webhooks
from callboard.webhooks.tables import Webhook
from web.api import bodies, queries
from web.api.queries import Searched
from web.api.shapes import Paged
from web.api.signing_shapes import keys_of
from web.api.webhook_shapes import (
    ActivateIn,
    ChangedOut,
    CreatedOut,
    WebhookIn,
    WebhookOut,
    WebhookPatch,
    WebhookSettings,
)
from web.errors import AnyRequest
from web.security import Running, may_change


class WebhooksController(Controller):
    path = "/webhooks"
    tags = ("Webhooks",)

    @get("/", opt={"asks": Searched})
    async def list_webhooks(
        self, request: AnyRequest, account: NamedDependency[str]
    ) -> Paged[WebhookOut]:
        """Newest first; q is looked for in names and URLs."""
        asked = queries.take(request, Searched)
        page = await webhooks.page(account, asked.cursor, asked.q, asked.limit)
        stands = await standing.of_webhooks(page.items)
        items = [WebhookOut.of(row, stands[row.id]) for row in page.items]
        if not may_change(request):
            items = [item.masked() for item in items]
        return Paged(items, page.next)

    @post("/", opt={"takes": WebhookIn})
    async def create(
        self, request: AnyRequest, by: NamedDependency[Actor], runtime: Running
    ) -> CreatedOut:
        """A draft, unless `state` says active."""
        usual = await defaults.of_account(by.account, runtime.settings.hold_days)

        async def judge(new: WebhookIn) -> None:
            command, allow_http = new.to_command(usual), runtime.settings.allow_http
            await checking.checked(by.account, command, allow_http, by.now)

        nothing = {"url": "", "events": ()}
        new = await bodies.take_judged(request, WebhookIn, judge, nothing)
        row, secret = await webhooks.create(
            by, new.to_command(usual), runtime.vault, runtime.settings.allow_http
        )
        if new.state == "active":
            row = await lifecycle.activate(by, row.id, None)
        return CreatedOut.of(row, Standing(), **_made(row, secret, by.now))

    @get("/{id:str}")
    async def show(
        self, request: AnyRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> WebhookOut:
        row = await webhooks.get(account, id)
        found = await _shown(row, (await standing.of_webhooks([row]))[id])
        return found if may_change(request) else found.masked()

    @patch("/{id:str}", opt={"takes": WebhookPatch})
    async def change(
        self,
        request: AnyRequest,
        by: NamedDependency[Actor],
        runtime: Running,
        id: FromPath[str],
    ) -> ChangedOut:
        """A JSON merge patch: null puts a field back to its default, or where null
        says something (`deactivate_after`: never), to that. Another signing scheme
        gets a new key, which the answer brings."""
        row = await webhooks.get(by.account, id)
        given = await bodies.take_object(request)
        before = row.signing
        wanted = await _patched(row, given, runtime, by.now)
        row, secret = await webhooks.change(
            by,
            id,
            wanted.to_change(set(given)),
            runtime.vault,
            runtime.settings.allow_http,
        )
        stands = await standing.of_webhooks([row])
        made = _made(row, secret, by.now) if row.signing != before else {}
        return ChangedOut.of(row, stands[row.id], **made)

    @delete("/{id:str}")
    async def remove(self, by: NamedDependency[Actor], id: FromPath[str]) -> None:
        """No more calls; what waits is cancelled; its past stays readable."""
        await lifecycle.delete(by, id)

    @post(
        "/{id:str}/activate",
        status_code=200,
        opt={"takes": ActivateIn, "body": "optional"},
    )
    async def activate(
        self, request: AnyRequest, by: NamedDependency[Actor], id: FromPath[str]
    ) -> WebhookOut:
        """`held` says what becomes of what is held: deliver or discard."""
        held = (await bodies.take_if_any(request, ActivateIn)).held
        row = await lifecycle.activate(by, id, held)
        return await _shown(row, await standing.at_once(row))

    @post("/{id:str}/pause", status_code=200)
    async def pause(self, by: NamedDependency[Actor], id: FromPath[str]) -> WebhookOut:
        """Holds what comes until it is activated."""
        row = await lifecycle.pause(by, id)
        return await _shown(row, await standing.at_once(row))

    @post("/{id:str}/deactivate", status_code=200)
    async def deactivate(
        self, by: NamedDependency[Actor], id: FromPath[str]
    ) -> WebhookOut:
        row = await lifecycle.deactivate(by, id)
        return await _shown(row, await standing.at_once(row))


async def _shown(row: Webhook, stands: Standing) -> WebhookOut:
    holding = await standing.of_held(row.id, stands.held)
    more = {"holding": asdict(holding)} if holding else {}
    return WebhookOut.of(row, stands, **more)


def _made(row: Webhook, secret: str | None, now: datetime) -> dict[str, Any]:
    """What a new key comes with."""
    if secret is None:
        pairs = keys_of(row, now)
        return {"secret": None, "keys": pairs} if pairs else {"secret": None}
    hint = keys.hint(Scheme(row.signing), secret)
    return {"secret": secret, "hint": hint} if hint else {"secret": secret}


async def _patched(
    row: Webhook, given: dict[str, Any], runtime: Runtime, now: datetime
) -> WebhookSettings:
    async def judge(wanted: WebhookSettings) -> None:
        change, allow_http = wanted.to_change(set(given)), runtime.settings.allow_http
        await webhooks.changed(row, change, runtime.vault, allow_http, now)

    same = msgspec.to_builtins(WebhookSettings.of(row))
    wanted, refused = _merged(row, same, given), _not_by_patch(given)
    return await bodies.shaped(wanted, WebhookSettings, judge, same, refused)


def _merged(
    row: Webhook, same: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    base = dict(same)
    if _is_another(given.get("auth"), same["auth"]):
        base["auth"] = {}
    signing = given.get("signing")
    if isinstance(signing, dict) and signing.get("scheme", row.signing) != row.signing:
        # The header was the other scheme's.
        base["signing"] = {**same["signing"]}
        del base["signing"]["header"]
    unknown = dict.fromkeys(given.keys() - base.keys())
    wanted: dict[str, Any] = unknown | bodies.merged(base, given)
    if "deactivate_after" in given:
        wanted["deactivate_after"] = given["deactivate_after"]
    return wanted


def _is_another(given: Any, auth: dict[str, str]) -> bool:
    """Another type of auth begins anew: nothing of the old one belongs to it."""
    kind = auth.get("type")
    return isinstance(given, dict) and given.get("type", kind) != kind


def _not_by_patch(given: dict[str, Any]) -> list[Problem]:
    problems = []
    if "state" in given:
        text = "States change by activate, pause and deactivate."
        problems.append(Problem("state", "not_by_patch", text))
    return problems
