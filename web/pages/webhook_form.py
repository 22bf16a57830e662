"""The form of a webhook: everything as it was typed, until the domain judges it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import msgspec
from litestar.plugins.htmx import HTMXRequest

from callboard.catalogue.tables import EventType
from callboard.errors import Problem
from callboard.matching.patterns import compile_patterns
from callboard.signing.schemes import Scheme
from callboard.webhooks.defaults import Defaults
from callboard.webhooks.settings import SETTINGS, NewWebhook, Success
from web.pages import forms
from web.pages.auth_form import AuthForm
from web.pages.filter_form import FilterForm, usual_sending
from web.pages.payload_form import PayloadForm
from web.pages.schedule_form import ScheduleForm


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookForm:
    """`events` and `recipients` are ticked; `patterns` and `addresses` are typed.

    `shown`: the event type whose request the page shows; `shown_event`: the event that
    came, for which it does; without one, a sample.
    """

    url: str = ""
    payload: PayloadForm = field(default_factory=PayloadForm)
    events: tuple[str, ...] = ()
    patterns: str = ""
    filters: FilterForm = field(default_factory=FilterForm)
    auth: AuthForm = field(default_factory=AuthForm)
    delivery: ScheduleForm = field(default_factory=ScheduleForm)
    signing_scheme: str = ""
    signing_header: str = ""
    signing_secret: str = ""
    recipients: tuple[str, ...] = ()
    addresses: str = ""
    name: str = ""
    app: str = ""
    headers: str = ""
    success: str = ""
    retry_schedule: str = ""
    timeout: str = ""
    rate_per_second: str = ""
    concurrency: str = ""
    hold_days: str = ""
    deactivate_after: str = ""
    notify: tuple[str, ...] = ()
    ordered: bool = False
    shown: str = ""
    shown_event: str = ""

    def to_command(self) -> NewWebhook:
        return NewWebhook(
            url=self.url.strip(),
            method=self.payload.method or "POST",
            payload=self.payload.to_payload(),
            events=_unique(self.events, _split(self.patterns)),
            **self.filters.settings(),
            name=self.name,
            app=self.app,
            headers={name: value for name, colon, value in _pairs(self.headers)},
            auth=self.auth.to_auth(),
            delivery=self.delivery.to_schedule(),
            signing=self.signing_scheme,
            signature_header=self._header(),
            secret=self.signing_secret.strip() or None,
            success=_success(self.success),
            schedule=tuple(forms.whole(each) for each in _split(self.retry_schedule)),
            timeout=forms.whole(self.timeout),
            rate_per_second=_decimal(self.rate_per_second),
            concurrency=forms.whole(self.concurrency),
            ordered=self.ordered,
            hold_days=forms.whole(self.hold_days),
            deactivate_after=_whole_or_none(self.deactivate_after),
            notify=self.notify,
            recipients=_unique(self.recipients, forms.addresses(self.addresses)),
        )

    def to_change(self) -> dict[str, Any]:
        new = self.to_command()
        return {name: getattr(new, name) for name in (*SETTINGS, "secret")}

    def placed(self, problems: Iterable[Problem]) -> list[Problem]:
        """The domain's problems at the fields of this form, after the form's own."""
        return [*self._own(), *(self._place(problem) for problem in problems)]

    def _header(self) -> str:
        """What was typed for another scheme than the one that is chosen is left out."""
        scheme = self.signing_scheme
        named = scheme in [*Scheme] and Scheme(scheme).names_header
        return self.signing_header.strip() if named else ""

    def _own(self) -> Iterable[Problem]:
        pairs = _pairs(self.headers)
        if not all(colon for _, colon, _ in pairs):
            yield Problem("headers", "shape", "Write each header as Name: value.")
        if len({name for name, _, _ in pairs}) < len(pairs):
            yield Problem("headers", "twice", "Write each header once.")
        yield from self.filters.problems()

    def _place(self, problem: Problem) -> Problem:
        problem = forms.placed(problem, "events", self.events, "patterns")
        problem = forms.placed(problem, "recipients", self.recipients, "addresses")
        return self.filters.place(problem)


async def read(request: HTMXRequest) -> WebhookForm:
    return await forms.read(request, WebhookForm)


def of(new: NewWebhook, types: list[EventType]) -> WebhookForm:
    """What cannot be ticked is typed."""
    ticks = {"*", *(type.name for type in types)}
    ticks |= {pattern for _, pattern, _ in grouped(types) if pattern}
    return WebhookForm(
        url=new.url,
        payload=PayloadForm.of(new.payload, new.method),
        events=tuple(event for event in new.events if event in ticks),
        patterns=", ".join(event for event in new.events if event not in ticks),
        filters=FilterForm.of(new, types),
        auth=AuthForm.of(new.auth),
        delivery=ScheduleForm.of(new.delivery),
        signing_scheme=new.signing,
        signing_header=new.signature_header,
        recipients=tuple(each for each in new.recipients if "@" not in each),
        addresses="\n".join(each for each in new.recipients if "@" in each),
        name=new.name,
        app=new.app,
        headers="\n".join(f"{name}: {value}" for name, value in new.headers.items()),
        success=_typed(new.success),
        retry_schedule=", ".join(map(str, new.schedule)),
        timeout=str(new.timeout),
        rate_per_second=_number(new.rate_per_second),
        concurrency=str(new.concurrency),
        hold_days=str(new.hold_days),
        deactivate_after=_number(new.deactivate_after),
        notify=new.notify,
        ordered=new.ordered,
        shown=_first(new.events, types),
    )


def empty(types: list[EventType], defaults: Defaults) -> WebhookForm:
    sending = usual_sending(types)
    usual = msgspec.structs.asdict(defaults)
    return of(NewWebhook(url="", events=(), sending=sending, **usual), types)


def grouped(types: list[EventType]) -> list[tuple[str, str, list[EventType]]]:
    """Each group with the pattern that covers just its names, if there is one."""
    found = []
    for group, members in groupby(types, lambda type: type.group):
        listed = list(members)
        heads = {type.name.partition(".")[0] for type in listed}
        whole = len(heads) == 1 and all("." in type.name for type in listed)
        found.append((group, f"{heads.pop()}.*" if whole else "", listed))
    return found


def _first(events: tuple[str, ...], types: list[EventType]) -> str:
    heard, names = compile_patterns(events), [type.name for type in types]
    return next(filter(heard.matches, names), names[0] if names else "")


def _unique(ticked: Iterable[str], typed: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*ticked, *typed)))


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"[\s,;]+", text) if part]


def _pairs(text: str) -> list[tuple[str, str, str]]:
    lines = (line.partition(":") for line in text.splitlines() if line.strip())
    return [(name.strip(), colon, value.strip()) for name, colon, value in lines]


def _whole_or_none(text: str) -> int | None:
    return forms.whole(text) if text.strip() else None


def _decimal(text: str) -> float | None:
    text = text.strip().replace(",", ".")
    try:
        return float(text) if text else None
    except ValueError:
        return float(forms.REFUSED)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _success(text: str) -> Success:
    rule = text.strip().lower()
    if rule in ("2xx", "200"):
        return "2xx" if rule == "2xx" else "200"
    return tuple(forms.whole(each) for each in _split(rule))


def _typed(success: Success) -> str:
    return success if isinstance(success, str) else ", ".join(map(str, success))
