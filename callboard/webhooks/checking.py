"""Settings held against the rules, the account's catalogue and its members."""

from dataclasses import replace

from callboard.accounts.tables import Member
from callboard.catalogue.tables import EventType
from callboard.errors import Invalid, Problem
from callboard.matching.patterns import check_events
from callboard.retry import check_plan
from callboard.signing import keys
from callboard.signing.schemes import Scheme
from callboard.webhooks import rules
from callboard.webhooks.recipients import NOTIFY
from callboard.webhooks.settings import NewWebhook


async def checked(account: str, new: NewWebhook, allow_http: bool) -> NewWebhook:
    """As it will be kept; raises Invalid with every problem."""
    url, problems = rules.check_url(new.url, allow_http)
    problems += check_events(new.events, await _types(account))
    problems += _check_alone(new)
    problems += rules.check_recipients(new.recipients, await _members(account))
    if problems:
        raise Invalid(problems)
    assert url is not None
    return replace(
        new,
        url=url,
        name=new.name.strip() or _name_from(url),
        signature_header=_named(new),
        notify=tuple(each for each in NOTIFY if each in new.notify),
    )


def _check_alone(new: NewWebhook) -> list[Problem]:
    """What needs to know nothing but the setting."""
    return [
        *rules.check_headers(new.headers),
        *check_plan(new.schedule),
        *rules.check_success(new.success),
        *rules.check_numbers(new),
        *rules.check_signing(new),
        *(rules.check_name(new.name) if new.name else ()),
        *(rules.check_name(new.app, "app") if new.app else ()),
        *rules.check_notify(new.notify),
    ]


def check_key(scheme: Scheme, brought: str | None) -> None:
    """A key that comes alone, without the other settings."""
    if brought is not None and (problems := keys.check(scheme, brought)):
        raise Invalid([replace(each, field="secret") for each in problems])


async def _types(account: str) -> list[str]:
    rows = await EventType.select(EventType.name).where(EventType.account == account)
    return [row["name"] for row in rows]


async def _members(account: str) -> set[str]:
    rows = await Member.select(Member.id).where(Member.account == account)
    return {row["id"] for row in rows}


def _named(new: NewWebhook) -> str:
    usual = Scheme(new.signing).usual_header
    return "" if new.signature_header == usual else new.signature_header


def _name_from(url: str) -> str:
    return url.partition("://")[2].partition("/")[0][:100]
