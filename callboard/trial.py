"""Test calls and previews: the very request that a delivery would make."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import msgspec

from callboard import retry
from callboard.catalogue import event_types
from callboard.delivery import request
from callboard.delivery.reading import Headers
from callboard.delivery.request import Call
from callboard.delivery.sender import Sender
from callboard.delivery.targets import Target, target_of
from callboard.outcome import ErrorClass, Outcome
from callboard.signing import keys
from callboard.signing.keyring import UNSIGNED, Key, Keyring
from callboard.signing.schemes import Scheme
from callboard.webhooks.settings import NewWebhook


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


def target_of_unsaved(new: NewWebhook) -> Target:
    """Signed with the key that was typed, or with one that is good for nothing else."""
    return target_of(new, _keyring(new))


def _keyring(new: NewWebhook) -> Keyring:
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


async def sample_of(account: str, type: str) -> str:
    """The type's sample as JSON text: its own, or one made from its schema."""
    return msgspec.json.encode(await event_types.sample(account, type)).decode()


def preview(target: Target, type: str, data: str, now: datetime) -> Preview:
    """The id begins with `evt_test_`, by which a receiver can tell."""
    id = f"evt_test_{secrets.token_hex(10)}"
    call = request.build(target, id, type, data, now, now)
    return Preview(call, request.masked(call, target))


async def send(
    sender: Sender, target: Target, type: str, data: str, now: datetime
) -> Trial:
    shown = preview(target, type, data, now)
    outcome = Outcome(error=ErrorClass.REQUEST, detail=target.problem)
    if not target.problem:
        outcome = await sender.send(shown.call)
    return Trial(shown, outcome, retry.succeeded(target.success, outcome))
