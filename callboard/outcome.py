"""What one call to a receiver came to: a value, whatever the receiver did."""

from enum import StrEnum

import msgspec


class ErrorClass(StrEnum):
    """Why no usable answer was read."""

    BLOCKED = "blocked"  # our own guard refused the address
    NAME = "name_not_found"
    REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    RESET = "connection_reset"
    TIMEOUT = "timed_out"
    TLS = "tls"
    PROTOCOL = "bad_response"
    REQUEST = "bad_request"  # the webhook's own settings make no valid request
    TOKEN = "no_access_token"  # noqa: S105 - the token server's fault: no call was made
    VALUE = "bad_value"  # a placeholder has no fitting value in this event


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """`error` is None exactly when a whole answer was read, or its body up to the cap.

    `status` beside an error: the answer began, then broke off or made no sense.
    `detail` is one sentence for people, made by us, never the receiver's text.
    `body` is at most the sender's cap; `truncated` says that more was sent.
    `phases_ms`: name, connect, tls, first_byte, body; None where there was none.
    """

    status: int | None = None
    error: ErrorClass | None = None
    detail: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False
    phases_ms: dict[str, float | None] = msgspec.field(default_factory=dict)
    seconds: float = 0.0
