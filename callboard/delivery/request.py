"""The call that a delivery makes, as a value."""

from datetime import datetime

import msgspec

from callboard import __version__
from callboard.delivery.targets import Target
from callboard.payload.formats import standard_body

USER_AGENT = f"Callboard/{__version__}"
MASK = "••••"


class Call(msgspec.Struct, frozen=True, gc=False):
    """One request exactly as it goes out; nothing is added but Host and the length."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout: float


def build(
    target: Target,
    event: str,
    type: str,
    data: str,
    occurred_at: datetime,
    now: datetime,
) -> Call:
    """The body depends on event and settings alone; the signature is fresh."""
    body = standard_body(event, type, rfc3339(occurred_at), data)
    timestamp = int(now.timestamp())
    headers = [
        ("Content-Type", "application/json"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", USER_AGENT),
        ("webhook-id", event),
        ("webhook-timestamp", str(timestamp)),
    ]
    headers += target.keyring.headers(event, timestamp, body, now)
    headers += target.headers
    return Call(target.method, target.url, tuple(headers), body, target.timeout)


def masked(call: Call, target: Target) -> tuple[tuple[str, str], ...]:
    """As they may be shown: a webhook's own may carry its receiver's keys."""
    own = len(call.headers) - len(target.headers)
    return call.headers[:own] + tuple((name, MASK) for name, _ in target.headers)


def rfc3339(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
