from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from callboard import explanation, trial
from callboard.catalogue import event_types
from callboard.delivery import reading, standing
from callboard.delivery.targets import read_target
from callboard.errors import Invalid, Problem, invalid
from callboard.matching.patterns import unknown_type
from callboard.matching.subject import Subject
from callboard.paging import check_limit
from callboard.signing import keys
from callboard.signing.schemes import Scheme
from callboard.webhooks import defaults, lifecycle, webhooks
from callboard.webhooks.settings import settings_of
from callboard.webhooks.tables import Webhook
from web.api import bodies
from web.api.shapes import Paged
from web.api.signing_shapes import keys_of
from web.api.webhook_shapes import (
    ActivateIn,
    ChangedOut,
    CreatedOut,
    PreviewIn,
    PreviewOut,
    TestIn,
    TrialOut,
    WebhookIn,
    WebhookOut,
    WebhookPatch,
    WebhookSettings,
)
from web.errors import AnyRequest
from web.security import Running, actor, may_change

_BYTES = 1024 * 1024
_new = msgspec.json.Decoder(WebhookIn)
_activate = msgspec.json.Decoder(ActivateIn)
_test = msgspec.json.Decoder(TestIn)
_preview = msgspec.json.Decoder(PreviewIn)


class WebhooksController(Controller):
    path = "/webhooks"
    tags = ("Webhooks",)

    @get("/")
    async def list_webhooks(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        q: FromQuery[str] = "",
        cursor: FromQuery[str | None] = None,
        limit: FromQuery[int] = 50,
    ) -> Paged[WebhookOut]:
        """Newest first; q is looked for in names and URLs."""
        page = await webhooks.page(account, cursor, q, check_limit(limit))
        stands = await standing.of_webhooks(page.items)
        items = [WebhookOut.of(row, stands[row.id]) for row in page.items]
        if not may_change(request):
            items = [item.masked() for item in items]
        return Paged(items, page.next)

    @post("/", opt={"takes": WebhookIn})
    async def create(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
    ) -> CreatedOut:
        """A draft, unless `state` says active."""
        new = bodies.read(await bodies.receive(request, _BYTES), _new)
        who, now = actor(request), runtime.clock()
        row, secret = await webhooks.create(
            account,
            who,
            new.to_command(
                await defaults.of_account(account, runtime.settings.hold_days)
            ),
            runtime.vault,
            runtime.settings.allow_http,
            now,
        )
        if new.state == "active":
            row = await lifecycle.activate(account, who, row.id, None, now)
        return CreatedOut.of(row, standing.Standing(), **_made(row, secret, now))

    @get("/{id:str}")
    async def show(
        self, request: AnyRequest, account: NamedDependency[str], id: FromPath[str]
    ) -> WebhookOut:
        found = await _shown(await webhooks.get(account, id))
        return found if may_change(request) else found.masked()

    @patch("/{id:str}", opt={"takes": WebhookPatch})
    async def change(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> ChangedOut:
        """A JSON merge patch: null puts a field back to its default, or where null
        says something (`deactivate_after`: never), to that. Another signing scheme
        gets a new key, which the answer brings."""
        row = await webhooks.get(account, id)
        given = bodies.read_object(await bodies.receive(request, _BYTES))
        before, now = row.signing, runtime.clock()
        row, secret = await webhooks.change(
            account,
            actor(request),
            id,
            _patched(row, given).to_change(set(given)),
            runtime.vault,
            runtime.settings.allow_http,
            now,
        )
        stands = await standing.of_webhooks([row])
        made = _made(row, secret, now) if row.signing != before else {}
        return ChangedOut.of(row, stands[row.id], **made)

    @delete("/{id:str}")
    async def remove(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> None:
        """No more calls; what waits is cancelled; its past stays readable."""
        await lifecycle.delete(account, actor(request), id, runtime.clock())

    @post("/{id:str}/activate", status_code=200, opt={"takes": ActivateIn})
    async def activate(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> WebhookOut:
        """`held` says what becomes of what is held: deliver or discard."""
        held = bodies.read(await _body(request), _activate).held
        who, now = actor(request), runtime.clock()
        return await _shown(await lifecycle.activate(account, who, id, held, now))

    @post("/{id:str}/pause", status_code=200)
    async def pause(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> WebhookOut:
        """Holds what comes until it is activated."""
        who, now = actor(request), runtime.clock()
        return await _shown(await lifecycle.pause(account, who, id, now))

    @post("/{id:str}/deactivate", status_code=200)
    async def deactivate(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> WebhookOut:
        who, now = actor(request), runtime.clock()
        return await _shown(await lifecycle.deactivate(account, who, id, now))

    @post("/{id:str}/test", status_code=200, opt={"takes": TestIn})
    async def test(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> TrialOut:
        """One real call, now, with a sample; it counts for nothing."""
        row = await webhooks.get(account, id)
        wanted = bodies.read(await _body(request), _test)
        type = await _type_for(account, row, wanted.type)
        now = runtime.clock()
        facts = await trial.sample_of(account, type, now, wanted.data_text())
        target = await read_target(row, runtime.vault)
        by = request.auth.key
        made = await trial.send(runtime.sender, target, facts, by, now)
        return TrialOut.of(made)

    @post("/{id:str}/preview", status_code=200, opt={"takes": PreviewIn})
    async def preview(
        self,
        request: AnyRequest,
        account: NamedDependency[str],
        runtime: Running,
        id: FromPath[str],
    ) -> PreviewOut:
        """The request that would be made, and whether it would be; sends nothing."""
        row = await webhooks.get(account, id)
        wanted = bodies.read(await _body(request), _preview)
        now = runtime.clock()
        if wanted.event is not None:
            event = await reading.get_event(account, wanted.event)
            facts, subject = trial.facts_of(event), reading.subject_of(event.to_dict())
        else:
            type = await _type_for(account, row, wanted.type)
            facts = await trial.sample_of(account, type, now)
            subject = Subject(facts.data, now)
        made = trial.preview(await read_target(row, runtime.vault), facts, now)
        settings = settings_of(row)
        verdict = await explanation.judge(account, settings, facts.type, subject)
        return PreviewOut.of(made, verdict)


async def _body(request: AnyRequest) -> bytes:
    """Where every field may be left out, so may the body."""
    return await bodies.receive(request, _BYTES) or b"{}"


async def _type_for(account: str, row: Webhook, given: str | None) -> str:
    """An example of what it listens to, unless the caller says."""
    events = settings_of(row).events
    type = given or await event_types.first_wanted(account, events)
    if type is None:
        text = "It listens to no type of the catalogue: say which to use."
        raise invalid("type", "missing", text)
    known = [each.name for each in await event_types.listed(account)]
    if type not in known:
        raise Invalid([unknown_type(type, known)])
    return type


async def _shown(row: Webhook) -> WebhookOut:
    stands = (await standing.of_webhooks([row]))[row.id]
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


def _patched(row: Webhook, given: dict[str, Any]) -> WebhookSettings:
    now = msgspec.to_builtins(WebhookSettings.of(row))
    if _is_another(given.get("auth"), now["auth"]):
        now["auth"] = {}
    signing = given.get("signing")
    if isinstance(signing, dict) and signing.get("scheme", row.signing) != row.signing:
        del now["signing"]["header"]  # it was the other scheme's
    unknown = dict.fromkeys(given.keys() - now.keys())
    wanted = unknown | bodies.merged(now, given)
    if "deactivate_after" in given:
        wanted["deactivate_after"] = given["deactivate_after"]
    return bodies.shaped(wanted, WebhookSettings, _not_by_patch(given))


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
