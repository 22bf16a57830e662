"""Which headers a webhook may add to its calls. Each message says what to do."""

import re
from collections.abc import Iterator, Mapping

from callboard.errors import Problem

_FIELD = "headers"

MOST_HEADERS = 50
LARGEST_HEADERS = 16 * 1024

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2

_VALUE = re.compile(r"[\t -~]*")

_OURS = "Callboard sets it on every call"
_CONNECTION = "it belongs to the connection, which Callboard looks after"
_REFUSED = {
    "host": "it is taken from the URL",
    "content-length": "it follows from the body",
    "content-type": "it follows from the payload's format",
    "content-encoding": "the body is sent as it is",
    "accept-encoding": "answers are read as they come",
    "user-agent": _OURS,
    "transfer-encoding": _CONNECTION,
    "connection": _CONNECTION,
    "keep-alive": _CONNECTION,
    "expect": _CONNECTION,
    "te": _CONNECTION,
    "trailer": _CONNECTION,
    "upgrade": _CONNECTION,
}
_REFUSED_FAMILIES = {"webhook-": _OURS, "proxy-": _CONNECTION}


def check_headers(headers: Mapping[str, str]) -> list[Problem]:
    """`Authorization` and `Cookie` may be set: receivers ask for them."""
    if len(headers) > MOST_HEADERS:
        message = f"Set at most {MOST_HEADERS} headers."
        return [Problem(_FIELD, "too_many", message)]
    if sum(len(name) + len(text) for name, text in headers.items()) > LARGEST_HEADERS:
        message = f"Keep all headers together within {LARGEST_HEADERS} characters."
        return [Problem(_FIELD, "too_long", message)]
    problems = [
        Problem(f"{_FIELD}.{name}", *wrong)
        for name, value in headers.items()
        for wrong in wrong_header(name, value)
    ]
    twice = len({name.lower() for name in headers}) < len(headers)
    message = "Set each header once: capitals make no difference in its name."
    return [*problems, Problem(_FIELD, "twice", message)] if twice else problems


def check_beside_cloudevents(headers: Mapping[str, str]) -> list[Problem]:
    text = "Leave this header out: it belongs to the CloudEvents that are sent."
    return [
        Problem(f"headers.{name}", "refused", text)
        for name in headers
        if name.lower().startswith("ce-")
    ]


def check_header_name(name: str, field: str) -> list[Problem]:
    return [Problem(field, *wrong) for wrong in _wrong_name(name)]


def wrong_header(name: str, value: str) -> Iterator[tuple[str, str]]:
    """Pairs of code and message; `header_value` is about the value."""
    yield from _wrong_name(name)
    if value.strip() != value:
        yield "header_value", "Remove the spaces or line ends around the value."
    elif not _VALUE.fullmatch(value):
        yield "header_value", "Use printable ASCII on one line; encode anything else."


def _wrong_name(name: str) -> Iterator[tuple[str, str]]:
    reason = _refusal(name.lower())
    if reason:
        yield "refused", f"Leave this header out: {reason}."
    elif not _TOKEN.fullmatch(name):
        yield "header_name", "Name a header with letters, digits and - only."


def _refusal(name: str) -> str | None:
    for start, reason in _REFUSED_FAMILIES.items():
        if name.startswith(start):
            return reason
    return _REFUSED.get(name)
