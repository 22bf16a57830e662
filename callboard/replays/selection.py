"""What a replay is to send again, as it was asked for, and what is wrong with it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from callboard import times
from callboard.delivery.states import FINISHED, DeliveryState
from callboard.errors import Problem
from callboard.matching.patterns import check_events, compile_patterns
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

HIGHEST_RATE = 10_000.0
_STATES = ", ".join(FINISHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Of one webhook's deliveries: the latest one of each event counts.

    `states`: none stands for all in which a delivery has ended. `types`: names and
    patterns, none for any. `since` (included) and `until` (not) are about when the
    event was accepted. `missing`: instead of deliveries, the events that the webhook
    wants by its present settings and that were never sent to it.
    `rate_per_second`: no more than so many; None for as fast as others leave room.
    """

    webhook: str
    states: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    missing: bool = False
    rate_per_second: float | None = None

    @property
    def wanted_states(self) -> tuple[DeliveryState, ...]:
        return tuple(DeliveryState(state) for state in self.states) or FINISHED


def check(
    wanted: Selection,
    webhook: Webhook | None,
    known: Collection[str],
    oldest: datetime,
    now: datetime,
) -> list[Problem]:
    """Every problem at once. `known`: the catalogue's types; `oldest`: what was
    accepted before may have been forgotten."""
    found = [*_of_webhook(webhook), *_of_states(wanted)]
    if wanted.types:
        found += check_events(wanted.types, known, "types")
    found += _of_times(wanted, oldest, now)
    rate = wanted.rate_per_second
    if rate is not None and not 0.01 <= rate <= HIGHEST_RATE:
        text = f"Give 0.01 to {HIGHEST_RATE:.0f} a second, or nothing."
        found.append(Problem("rate_per_second", "out_of_range", text))
    return found


def names(
    wanted: Selection, listens: Collection[str], known: Collection[str]
) -> list[str] | None:
    """The types it comes to; None for any, of which only deliveries can be."""
    if not wanted.types and not wanted.missing:
        return None
    asked = compile_patterns(wanted.types or ("*",))
    heard = compile_patterns(listens if wanted.missing else ("*",))
    return sorted(name for name in known if asked.matches(name) and heard.matches(name))


def _of_webhook(webhook: Webhook | None) -> Iterator[Problem]:
    if webhook is None:
        yield Problem("webhook", "unknown", "There is no such webhook: choose one.")
    elif webhook.state != WebhookState.ACTIVE:
        text = f"{webhook.name} is {webhook.state}: activate it first."
        yield Problem("webhook", "not_active", text)


def _of_states(wanted: Selection) -> Iterator[Problem]:
    if wanted.missing and wanted.states:
        text = "Missing events have no deliveries: choose them, or states, not both."
        yield Problem("states", "with_missing", text)
    for place, state in enumerate(wanted.states):
        if state in FINISHED:
            continue
        text = f"Use {_STATES}."
        if state in set(DeliveryState):
            text = (
                f"What is {state} is still to be sent; only {_STATES} can be replayed."
            )
        yield Problem(f"states.{place}", "not_replayable", text)


def _of_times(wanted: Selection, oldest: datetime, now: datetime) -> Iterator[Problem]:
    since, until = wanted.since, wanted.until
    if since is not None and until is not None and since >= until:
        yield Problem("until", "before_since", "This is not after the beginning.")
    if since is not None and since > now:
        yield Problem("since", "future", "Nothing has come since then yet.")
    for field, at in (("since", since), ("until", until)):
        if wrong := list(times.check(at, field)):
            yield from wrong
        elif at is not None and at < oldest:
            text = (
                f"Events are kept since {oldest:%Y-%m-%d %H:%M} UTC; give a later time."
            )
            yield Problem(field, "forgotten", text)
