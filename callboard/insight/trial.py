"""Test calls and previews: the very request that a delivery would make."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import msgspec

from callboard import retry
from callboard.accounts.limits import TryLimit
from callboard.catalogue import event_types, shapes
from callboard.delivery.calls import request
from callboard.delivery.calls.caller import Caller
from callboard.delivery.calls.request import Call
from callboard.delivery.calls.sender import Sender
from callboard.delivery.calls.targets import Target, composer_of, target_of
from callboard.delivery.tables import Event
from callboard.outcome import ErrorClass, Outcome
from callboard.payload.composing import Headers
from callboard.payload.listing import listed
from callboard.payload.projection import DEFAULT_LANGUAGE
from callboard.payload.shapes import PLAIN
from callboard.payload.values import Facts
from callboard.signing import keys
from callboard.signing.keyring import UNSIGNED, Key, Keyring
from callboard.signing.schemes import Scheme
from callboard.webhooks.settings import NewWebhook

# Each is a call to an address of somebody's choice: nobody scans ports with them.
limit = TryLimit()
MOST = 60


@dataclass(frozen=True, slots=True)
class Preview:
    """`headers` as they may be shown."""

    call: Call
    headers: Headers


@dataclass(frozen=True, slots=True)
class Trial:
    """A test call that was made; it counts for nothing."""

    preview: Preview
    outcome: Outcome
    passed: bool


async def target_of_unsaved(account: str, new: NewWebhook) -> Target:
    """Signed with the key that was typed, or with one that is good for nothing else."""
    declared = await shapes.declared({account})
    composer = composer_of(new, account, declared[account])
    return target_of(new, composer, keyring_of(new))


def keyring_of(new: NewWebhook) -> Keyring:
    scheme = Scheme(new.signing)
    if scheme is Scheme.NONE:
        return UNSIGNED
    text = keys.bring(scheme, new.secret) if new.secret else _spare_key(scheme)
    header = new.signature_header or scheme.usual_header
    return Keyring(scheme, header, (Key(keys.open_key(scheme, text)),))


@cache
def _spare_key(scheme: Scheme) -> str:
    """Nobody knows it, and so nobody can check what it signs."""
    return keys.generate(scheme)


async def sample_of(
    account: str, type: str, now: datetime, data: str | None = None
) -> Facts:
    """An event that never was: its data as given, else the type's own sample, else one
    made from its schema."""
    if data is None:
        found = await event_types.sample(account, type)
        data = msgspec.json.encode(found).decode()
    return as_test(Facts("", type, data, now))


def as_test(facts: Facts) -> Facts:
    """With an id that begins with `evt_test_`, by which a receiver can tell."""
    return msgspec.structs.replace(facts, id=f"evt_test_{secrets.token_hex(10)}")


async def placeholders(
    account: str, facts: Facts, language: str
) -> list[tuple[str, str]]:
    """Those that the event has a value for, each with that."""
    declared = (await shapes.declared({account}))[account].get(facts.type, PLAIN)
    return listed(facts, declared.placeholders, language or DEFAULT_LANGUAGE)


def facts_of(event: Event) -> Facts:
    return Facts(event.id, event.type, event.data, event.occurred_at, event.context)


def preview(target: Target, facts: Facts, now: datetime) -> Preview:
    """The call of a first try."""
    call = request.build(target, facts, 1, now)
    return Preview(call, request.masked(call, target))


async def send(
    sender: Sender, target: Target, facts: Facts, by: str, now: datetime
) -> Trial:
    """A token is asked for anew each time: whether that works is part of the test.

    `by`: the id of who asks. Raises LimitReached when they have asked too often.
    """
    limit.count({by: MOST}, now)
    shown = preview(target, facts, now)
    if target.problem:
        outcome = Outcome(error=ErrorClass.REQUEST, detail=target.problem)
    elif shown.call.problem:
        outcome = Outcome(error=ErrorClass.VALUE, detail=shown.call.problem)
    else:
        outcome = await Caller(sender).call(target, shown.call)
    return Trial(shown, outcome, retry.succeeded(target.success, outcome))
