"""What the settings on a webhook's form would send, before they are saved."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from callboard.delivery import reading
from callboard.delivery.calls.targets import Target, read_target
from callboard.delivery.tables import Event
from callboard.errors import Invalid, raise_all
from callboard.insight import explanation, trial
from callboard.matching.subject import Subject
from callboard.payload.values import Facts
from callboard.runtime import Runtime
from callboard.webhooks.auth import completed
from callboard.webhooks.checking import checked
from callboard.webhooks.settings import NewWebhook
from callboard.webhooks.tables import Webhook
from web.pages import webhook_views
from web.pages.webhook_form import WebhookForm


async def shown(
    runtime: Runtime, account: str, form: WebhookForm, row: Webhook | None
) -> dict[str, Any]:
    """For the type or the event that the form names, and whether it would be sent."""
    sender = await target(runtime, account, form, row, form.shown)
    now = runtime.clock()
    event = await _chosen(account, form, form.shown)
    told = await facts(account, form, form.shown, now)
    subject = Subject(told.data, now)
    if event is not None:
        subject = reading.subject_of(event.to_dict())
    wanted = form.to_command()
    return webhook_views.previewed(
        trial.preview(sender, told, now),
        await trial.placeholders(account, told, form.payload.payload_language),
        await explanation.judge(account, wanted, told.type, subject),
    )


async def facts(account: str, form: WebhookForm, type: str, now: datetime) -> Facts:
    """The event that was chosen if it is of that type, else a sample."""
    event = await _chosen(account, form, type)
    if event is not None:
        return trial.facts_of(event)
    return await trial.sample_of(account, type, now)


async def target(
    runtime: Runtime, account: str, form: WebhookForm, row: Webhook | None, type: str
) -> Target:
    """What else it listens to, and whom it alerts, need not be right for a call."""
    new = replace(form.to_command(), events=(type,), recipients=())
    new = await checked_form(runtime, account, form, row, new)
    if row is None:
        return await trial.target_of_unsaved(account, new)
    saved = await read_target(row, runtime.vault)
    auth = saved.auth if new.auth.sealed else new.auth
    made = await trial.target_of_unsaved(account, replace(new, auth=auth))
    keeps_key = saved.keyring.scheme is made.keyring.scheme
    if keeps_key:
        keyring = replace(saved.keyring, header=made.keyring.header)
        made = replace(made, keyring=keyring)
    if keeps_key or new.auth.sealed:
        made = replace(made, problem=saved.problem)
    return made


async def checked_form(
    runtime: Runtime,
    account: str,
    form: WebhookForm,
    row: Webhook | None,
    new: NewWebhook,
) -> NewWebhook:
    """Raises Invalid with the form's own problems and the domain's, all at once."""
    found: tuple[Any, ...] = ()
    new = completed(new, row, runtime.vault) if row else new
    now, allow_http = runtime.clock(), runtime.settings.allow_http
    try:
        new = await checked(account, new, allow_http, now, row.signing if row else None)
    except Invalid as error:
        found = error.problems
    raise_all(form.placed(found))
    return new


async def _chosen(account: str, form: WebhookForm, type: str) -> Event | None:
    if not form.shown_event:
        return None
    event = await reading.find_event(account, form.shown_event)
    return event if event is not None and event.type == type else None
