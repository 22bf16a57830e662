"""What may be sent at all: judged again here, after everything was filled in."""

import re
from collections.abc import Iterable
from functools import lru_cache

from yarl import URL

from callboard.egress.addresses import read_host
from callboard.egress.failures import Unsendable

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
LONGEST_URL = 16 * 1024

# Each of these frames the message or is the connection's own to say.
_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive"}
    | {"expect", "te", "trailer", "upgrade"}
    | {"proxy-connection", "proxy-authorization"}
)

Headers = Iterable[tuple[str, str]]

_URL = re.compile(r"https?://[!-~]+", re.IGNORECASE).fullmatch
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_VALUE = re.compile(r"[\t -~]*").fullmatch


def check_request(method: str, headers: Headers) -> None:
    if method not in METHODS:
        raise Unsendable("This method cannot be sent.")
    for name, value in headers:
        if problem := _name_problem(name):
            raise Unsendable(problem)
        # The first test is the quick one; only a tab needs the second.
        if not (value.isascii() and value.isprintable()) and not _VALUE(value):
            raise Unsendable(f"The value of the header {name} cannot be sent.")


def read_url(url: str) -> URL:
    """As written: yarl would otherwise turn /a/%2e%2e/b into /b."""
    if len(url) > LONGEST_URL or not _URL(url):
        raise Unsendable("The URL is not a valid http or https address.")
    try:
        target = URL(url, encoded=True)
        read_host(target.raw_host or "")
        _ = target.port
    except ValueError:
        raise Unsendable("The URL's host or port is not valid.") from None
    if target.raw_user is not None or target.raw_password is not None:
        raise Unsendable("The URL must not hold a user name or password.")
    return target


@lru_cache(1024)
def _name_problem(name: str) -> str:
    if not _NAME(name):
        return "A header's name cannot be sent."
    if name.lower() in _FRAMING:
        return f"The header {name} is set by the connection itself."
    return ""
