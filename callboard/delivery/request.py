"""The call that a delivery makes, as a value."""

from datetime import datetime

import msgspec

from callboard import __version__
from callboard.auth.settings import MASK
from callboard.delivery.targets import Target
from callboard.payload.composing import Body
from callboard.payload.values import Facts, Unfilled

USER_AGENT = f"Callboard/{__version__}"


class Call(msgspec.Struct, frozen=True, gc=False):
    """One request exactly as it goes out; nothing is added but Host and the length.

    `kept`: the body where the event alone does not make it again. `problem`: why it
    cannot be sent, now or later; then the URL is as it was written.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout: float
    kept: bytes | None = None
    problem: str = ""


def build(target: Target, facts: Facts, attempt: int, now: datetime) -> Call:
    """URL and body depend on event, settings and, in a form, on `attempt` (from 1); the
    signature is fresh."""
    try:
        url = target.composer.url(facts)
        body = target.composer.body(facts, attempt)
    except Unfilled as error:
        return _unfilled(target, str(error))
    return _signed(target, facts.id, url, body, now)


def _signed(target: Target, id: str, url: str, body: Body, now: datetime) -> Call:
    content = body.content
    timestamp = int(now.timestamp())
    headers = [
        *body.headers,
        ("Accept-Encoding", "identity"),
        ("User-Agent", USER_AGENT),
        ("webhook-id", id),
        ("webhook-timestamp", str(timestamp)),
    ]
    headers += target.keyring.headers(id, timestamp, content, now)
    headers += target.headers
    kept = None if body.again else content
    return Call(target.method, url, tuple(headers), content, target.timeout, kept)


def _unfilled(target: Target, problem: str) -> Call:
    return Call(
        target.method, target.url, target.headers, b"", target.timeout, b"", problem
    )


def masked(call: Call, target: Target) -> tuple[tuple[str, str], ...]:
    """As they may be shown: a webhook's own may carry its receiver's keys."""
    own = len(call.headers) - len(target.headers)
    names = [name for name, _ in target.headers]
    if target.auth.type == "oauth2":
        names.append("Authorization")  # its token is put in at each call
    return call.headers[:own] + tuple((name, MASK) for name in names)
