"""Settings held against the rules, the account's catalogue and its members."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from callboard.accounts import members
from callboard.catalogue import shapes
from callboard.errors import Problem, raise_all
from callboard.matching.filters import check_filters
from callboard.matching.patterns import check_events, compile_patterns
from callboard.payload.settings import check_method, check_payload
from callboard.payload.shapes import Shape, declared_by_all, together
from callboard.retry import check_plan
from callboard.signing import keys
from callboard.signing.schemes import Scheme
from callboard.webhooks import auth_rules, rules, schedule_rules
from callboard.webhooks.recipients import NOTIFY
from callboard.webhooks.settings import NewWebhook, filters_of


async def checked(
    account: str,
    new: NewWebhook,
    allow_http: bool,
    now: datetime,
    signing: str | None = None,
) -> NewWebhook:
    """As it will be kept; raises Invalid with every problem. `signing`: the scheme that
    it has a key for already."""
    types = await shapes.all_of(account)
    url, problems = _check_content(new, types, allow_http)
    problems += check_events(new.events, list(types))
    problems += _check_alone(new)
    problems += rules.check_rotation(new, signing)
    auth, wrong = auth_rules.check(new, allow_http, now)
    problems += wrong
    problems += rules.check_recipients(new.recipients, await members.ids_of(account))
    raise_all(problems)
    assert url is not None
    return replace(
        new,
        url=url,
        auth=auth,
        name=new.name.strip() or _name_from(url),
        signature_header=_named(new),
        notify=tuple(each for each in NOTIFY if each in new.notify),
    )


def _check_alone(new: NewWebhook) -> list[Problem]:
    """What needs to know nothing but the setting."""
    return [
        *check_method(new.method),
        *check_filters(filters_of(new)),
        *rules.check_headers(new.headers),
        *check_plan(new.schedule),
        *schedule_rules.check(new),
        *rules.check_success(new.success),
        *rules.check_numbers(new),
        *rules.check_signing(new),
        *(rules.check_name(new.name) if new.name else ()),
        *(rules.check_name(new.app, "app") if new.app else ()),
        *rules.check_notify(new.notify),
    ]


def check_key(scheme: Scheme, brought: str | None) -> list[Problem]:
    """A key that comes alone, without the other settings."""
    problems = [] if brought is None else keys.check(scheme, brought)
    return [replace(each, field="secret") for each in problems]


def _check_content(
    new: NewWebhook, types: Mapping[str, Shape], allow_http: bool
) -> tuple[str | None, list[Problem]]:
    """The URL as it will be kept, and what is wrong with it and with the payload: both
    may use what the types declare that the webhook listens to."""
    listened = _listened(new, types)
    short_names = declared_by_all(listened)
    url, problems = rules.check_url(new.url, allow_http, short_names)
    if url is not None:
        problems += rules.check_slots(new.url, new.method, short_names)
    problems += check_payload(new.payload, new.method, listened)
    if new.payload.format == "cloudevents":
        problems += rules.check_beside_cloudevents(new.headers)
    return url, problems


def _listened(new: NewWebhook, types: Mapping[str, Shape]) -> dict[str, Shape]:
    """A pattern may wait for types that are to come; what others declare is the best
    guess then."""
    wanted = compile_patterns(new.events)
    found = {name: shape for name, shape in types.items() if wanted.matches(name)}
    return found or {"": together(types.values())}


def _named(new: NewWebhook) -> str:
    usual = Scheme(new.signing).usual_header
    return "" if new.signature_header == usual else new.signature_header


def _name_from(url: str) -> str:
    return url.partition("://")[2].partition("/")[0][:100]
