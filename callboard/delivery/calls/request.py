"""The call that a delivery makes, as a value."""

from collections.abc import Container, Sequence
from datetime import datetime
from itertools import accumulate

import msgspec

from callboard import __version__
from callboard.delivery.calls.targets import Target
from callboard.delivery.ledger.values import Claimed, Sent
from callboard.payload.composing import LARGEST_ARRAY, Body, as_array
from callboard.payload.values import LARGEST_BODY, Facts, Unfilled

USER_AGENT = f"Callboard/{__version__}"


class Call(msgspec.Struct, frozen=True, gc=False):
    """One request exactly as it goes out; nothing is added but Host and the length.

    `kept`: the body, where it cannot be made again from the event. `problem`: why it
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


def build_together(
    target: Target, members: Sequence[Claimed], misfits: Container[int], now: datetime
) -> Call:
    """One array of the bodies that each would have alone, without the misfits. Its id
    is the bucket's; a delivery without a bucket goes as usual."""
    lead = members[0]
    if len(members) == 1:
        return build(target, lead.facts, lead.attempts + 1, now)
    fit = [each for each in members if each.seq not in misfits]
    if lead.bucket is None or not fit:
        return build(target, lead.facts, lead.attempts + 1, now)
    array = as_array(
        target.composer.body(each.facts, each.attempts + 1) for each in fit
    )
    return _signed(target, lead.bucket, target.url, array, now)


def beyond(
    target: Target, lead: Claimed, members: Sequence[Claimed]
) -> Sequence[Claimed]:
    """The last ones, which one array cannot hold beside `lead` and those before."""
    if len(members) * LARGEST_BODY <= LARGEST_ARRAY:
        return ()
    first = sorted(members, key=lambda each: each.seq != lead.seq)
    sizes = accumulate(_size(target, each) for each in first)
    return first[sum(size <= LARGEST_ARRAY for size in sizes) :]


def misfits(target: Target, members: Sequence[Claimed]) -> dict[int, str]:
    """Those that no array can carry, and why."""
    if len(members) == 1:
        return {}
    found = {each.seq: _misfit(target, each) for each in members}
    return {seq: problem for seq, problem in found.items() if problem}


def _misfit(target: Target, claimed: Claimed) -> str:
    try:
        target.composer.body(claimed.facts, claimed.attempts + 1)
    except Unfilled as error:
        return str(error)
    return ""


def _size(target: Target, claimed: Claimed) -> int:
    """What it adds to a call; a misfit nothing."""
    try:
        return len(target.composer.body(claimed.facts, claimed.attempts + 1).content)
    except Unfilled:
        return 0


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
    """As they may be shown."""
    own = len(call.headers) - len(target.headers)
    return call.headers[:own] + target.masked
