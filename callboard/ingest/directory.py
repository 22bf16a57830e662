"""An account's catalogue and webhooks, compiled once for all its events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from jsonschema_rs import Validator

from callboard.catalogue import contexts
from callboard.catalogue.schemas import compile_schema
from callboard.catalogue.tables import EventType
from callboard.matching.filters import Filters, compile_filters, read_settings
from callboard.matching.index import Index
from callboard.matching.patterns import Matcher, Patterns, compile_patterns
from callboard.matching.subject import Subject
from callboard.schedule import Schedule
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook


@dataclass(frozen=True, slots=True)
class Listener:
    """What accepting an event needs to know of a webhook.

    `takes_until`: nothing is held that comes later; None for without end.
    `filters`: None where it wants all events of the types it listens to.
    `delivery`: its scheduled runs.
    """

    id: str
    state: WebhookState
    hold_days: int
    takes_until: datetime | None = None
    filters: Filters | None = None
    delivery: Schedule | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """`types` maps each name to its compiled schema, None where it has none."""

    version: int
    types: dict[str, Validator | None]
    matcher: Matcher[Listener, Index[Listener]]

    def wanted(self, type: str, subject: Subject) -> tuple[Listener, ...]:
        return self.matcher.wanted(type).passing(subject)


class Directories:
    """The newest compiled directory of each account."""

    def __init__(self) -> None:
        self._known: dict[str, Directory] = {}

    def newest(self, account: str) -> Directory | None:
        return self._known.get(account)

    async def get(self, account: str, version: int) -> Directory:
        known = self._known.get(account)
        if known is None or known.version != version:
            known = await _compile(account, version)
            self._known[account] = known
        return known


async def _compile(account: str, version: int) -> Directory:
    listeners = await _listeners(account)
    return Directory(version, await _types(account), matcher(listeners))


async def _types(account: str) -> dict[str, Validator | None]:
    rows = await EventType.select(EventType.name, EventType.schema).where(
        EventType.account == account
    )
    return {
        row["name"]: compile_schema(row["schema"]) if row["schema"] else None
        for row in rows
    }


async def _listeners(account: str) -> list[tuple[Listener, Patterns]]:
    rows = await Webhook.select(
        Webhook.id,
        Webhook.state,
        Webhook.state_since,
        Webhook.cause,
        Webhook.hold_days,
        Webhook.events,
        Webhook.filter,
        Webhook.conditions,
        Webhook.context,
        Webhook.sending,
        Webhook.delivery,
    ).where(
        Webhook.account == account,
        Webhook.state.not_in([WebhookState.DRAFT, WebhookState.DELETED]),
    )
    compiled = _Compiled(await contexts.parents(account))
    return [(_listener(row, compiled), _patterns(row["events"])) for row in rows]


def matcher(
    listeners: Iterable[tuple[Listener, Patterns]],
) -> Matcher[Listener, Index[Listener]]:
    return Matcher(listeners, lambda found: Index(found, lambda each: each.filters))


class _Compiled:
    """Equal filters are one object, which an event is held against once."""

    def __init__(self, parents: Mapping[str, str]) -> None:
        self._parents = parents
        self._known: dict[tuple[str, ...], Filters | None] = {}

    def filters(self, row: Mapping[str, str]) -> Filters | None:
        texts = (row["filter"], row["conditions"], row["context"], row["sending"])
        if texts not in self._known:
            self._known[texts] = compile_filters(read_settings(row), self._parents)
        return self._known[texts]


def _listener(row: dict[str, Any], compiled: _Compiled) -> Listener:
    days = row["hold_days"]
    ends = bool(row["cause"]) or not days
    until = row["state_since"] + timedelta(days=days) if ends else None
    return Listener(
        id=row["id"],
        state=WebhookState(row["state"]),
        hold_days=days,
        takes_until=until,
        filters=compiled.filters(row),
        delivery=msgspec.json.decode(row["delivery"], type=Schedule | None),
    )


def _patterns(events: str) -> Patterns:
    return compile_patterns(msgspec.json.decode(events, type=list[str]))
