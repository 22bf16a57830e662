"""The call that a delivery makes, as a value."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from callboard import __version__
from callboard.auth.settings import MASK
from callboard.delivery.calls.targets import Target
from callboard.delivery.ledger.values import Claimed, Sent
from callboard.payload.composing import Body, as_array
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
    if target.sends_arrays:
        body = as_array([body])
    return _signed(target, facts.id, url, body, now)


def build_together(target: Target, members: Sequence[Claimed], now: datetime) -> Call:
    """The bodies that each would have alone, as one array; a misfit is left out. The id
    is that of the bucket; one that is left alone has its event's."""
    lead = members[0]
    fit = [each for each in members if not misfit(target, each)]
    if lead.bucket is None or not fit:
        return build(target, lead.facts, lead.attempts + 1, now)
    bodies = (target.composer.body(each.facts, each.attempts + 1) for each in fit)
    try:
        array = as_array(bodies)
    except Unfilled as error:
        return _unfilled(target, f"{error} Put fewer of them into one call.")
    return _signed(target, lead.bucket, target.url, array, now)


def misfit(target: Target, claimed: Claimed) -> str:
    """Why no call can carry it; empty if one can."""
    try:
        target.composer.body(claimed.facts, claimed.attempts + 1)
    except Unfilled as error:
        return str(error)
    return ""


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


def sent(call: Call, target: Target, claimed: Claimed, lead: Claimed) -> Sent:
    """As the attempt keeps it: the body once for all members of a call."""
    headers = masked(call, target)
    if claimed.seq == lead.seq:
        return Sent(call.method, call.url, headers, call.kept)
    return Sent(call.method, call.url, headers, None, lead.seq)


def masked(call: Call, target: Target) -> tuple[tuple[str, str], ...]:
    """As they may be shown: a webhook's own may carry its receiver's keys."""
    own = len(call.headers) - len(target.headers)
    names = [name for name, _ in target.headers]
    if target.auth.type == "oauth2":
        names.append("Authorization")  # its token is put in at each call
    return call.headers[:own] + tuple((name, MASK) for name in names)
