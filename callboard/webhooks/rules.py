"""What a webhook's settings may be. Each message says what to do."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

import idna

from callboard.egress.addresses import Address, read_host
from callboard.errors import Problem

LONGEST_URL = 2048
LONGEST_NAME = 120
MOST_HEADERS = 50
LARGEST_HEADERS = 16 * 1024
MOST_STATUSES = 20

_URL = re.compile(r"([^:/?#]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[[^\[\]]*\]|[^\[\]:]*)(?::(.*))?", re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_KEPT = "!#$%&'()*+,/:;=?@[]{}~"  # as they are in a URL; {} for placeholders
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2

_OURS = "Callboard sets it on every call"
_CONNECTION = "it belongs to the connection, which Callboard looks after"
_REFUSED = {
    "host": "it is taken from the URL",
    "content-length": "it follows from the body",
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


@dataclass(frozen=True, slots=True)
class _Bound:
    least: float
    most: float
    message: str
    whole: bool = True
    optional: bool = False


_BOUNDS = {
    "timeout": _Bound(1, 20, "Give 1 to 20 whole seconds."),
    "concurrency": _Bound(1, 256, "Give 1 to 256 calls at a time."),
    "hold_days": _Bound(0, 30, "Give 0 to 30 whole days."),
    "rate_per_second": _Bound(
        0.0001,
        10_000,
        "Give 0.0001 to 10000 calls per second, or nothing for no limit.",
        whole=False,
        optional=True,
    ),
    "deactivate_after": _Bound(
        1,
        1000,
        "Give 1 to 1000 failed deliveries, or nothing for never.",
        optional=True,
    ),
}


def check_url(url: str, allow_http: bool) -> tuple[str | None, list[Problem]]:
    """The URL with its host in lower case and ASCII; None where there is a problem.

    Placeholders may stand in path and query. Whether the address that a host leads to
    may be called is not judged here, but at each call.
    """
    found = _URL.fullmatch(url)
    problems = [Problem("url", *wrong) for wrong in _wrong_text(url)]
    if found is None or problems:
        return None, problems or [Problem("url", "scheme", _SCHEME)]
    problems = [Problem("url", *wrong) for wrong in _wrong_parts(found, allow_http)]
    if problems:
        return None, problems
    plain = _plain(found)
    return (plain, []) if len(plain) <= LONGEST_URL else (None, [_TOO_LONG])


def check_headers(headers: Mapping[str, str], field: str = "headers") -> list[Problem]:
    """`Content-Type`, `Authorization` and `Cookie` may be set: receivers ask for it."""
    if len(headers) > MOST_HEADERS:
        message = f"Set at most {MOST_HEADERS} headers."
        return [Problem(field, "too_many", message)]
    if sum(len(name) + len(text) for name, text in headers.items()) > LARGEST_HEADERS:
        message = f"Keep all headers together within {LARGEST_HEADERS} characters."
        return [Problem(field, "too_long", message)]
    problems = [
        Problem(f"{field}.{name}", *wrong)
        for name, value in headers.items()
        for wrong in _wrong_header(name, value)
    ]
    twice = len({name.lower() for name in headers}) < len(headers)
    message = "Set each header once: capitals make no difference in its name."
    return [*problems, Problem(field, "twice", message)] if twice else problems


def check_number(field: str, value: object) -> list[Problem]:
    """For timeout, concurrency, hold_days, rate_per_second and deactivate_after."""
    bound = _BOUNDS[field]
    number = type(value) is int or (type(value) is float and not bound.whole)
    if value is None and bound.optional:
        return []
    if number and bound.least <= value <= bound.most:
        return []
    return [Problem(field, "out_of_range", bound.message)]


def check_name(name: str, field: str = "name") -> list[Problem]:
    if not name.strip():
        return [Problem(field, "empty", "Give it a name.")]
    if len(name) > LONGEST_NAME:
        return [Problem(field, "too_long", f"Use at most {LONGEST_NAME} characters.")]
    if _CONTROLS.search(name):
        return [Problem(field, "characters", "Use no control characters or line ends.")]
    return []


def check_success(rule: object, field: str = "success") -> list[Problem]:
    """A redirect is never a success, so it cannot be listed."""
    if rule in ("2xx", "200"):
        return []
    listed = rule if isinstance(rule, list | tuple) else []
    fine = [
        type(code) is int and 200 <= code < 600 and code // 100 != 3 for code in listed
    ]
    if all(fine) and 0 < len(fine) <= MOST_STATUSES:
        return []
    message = (
        f"Write 2xx, 200, or a list of 1 to {MOST_STATUSES} statuses"
        " between 200 and 599 without redirects."
    )
    return [Problem(field, "success", message)]


Wrong = tuple[str, str]

_SCHEME = "Begin the URL with https:// or http://."
_TOO_LONG = Problem("url", "too_long", f"Use at most {LONGEST_URL} characters.")


def _wrong_text(url: str) -> Iterator[Wrong]:
    if len(url) > LONGEST_URL:
        yield _TOO_LONG.code, _TOO_LONG.message
    elif _CONTROLS.search(url):
        yield "characters", "Remove line ends, tabs and other control characters."
    elif " " in url:
        yield "characters", "Write %20 for a space, and remove spaces at the ends."
    elif "\\" in url:
        yield "characters", "Write / where the URL has a backslash, or %5C to send one."


def _wrong_parts(url: re.Match[str], allow_http: bool) -> Iterator[Wrong]:
    scheme, authority, _, _, fragment = url.groups("")
    if scheme.lower() not in ("http", "https"):
        yield "scheme", _SCHEME
    elif scheme.lower() == "http" and not allow_http:
        yield "scheme", "Begin the URL with https://: plain http is switched off here."
    yield from _wrong_authority(authority)
    if fragment:
        yield "fragment", "Remove the # and what follows: it would never be sent."


def _wrong_authority(authority: str) -> Iterator[Wrong]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        yield "host", "Write an IPv6 address in one pair of brackets, such as [::1]."
        return
    user, host, port = found.groups()
    if user is not None:
        yield (
            "userinfo",
            (
                "Move the user and password out of the URL into the webhook's auth or"
                " headers: a URL is shown on pages and kept in logs."
            ),
        )
    yield from _wrong_host(host)
    if port and not (port.isascii() and port.isdigit() and _is_port(port)):
        yield "port", "Write a port from 1 to 65535."


def _wrong_host(host: str) -> Iterator[Wrong]:
    if not host:
        yield "host", "Name the host after ://, such as https://example.com/."
    elif "${" in host:
        yield "host", "Use placeholders in path and query only: the host must be fixed."
    elif "%" in host:
        yield "host", "Write the host without percent signs."
    elif _read(host) is None:
        yield "host", "Write a host name such as example.com, or an IP address."


def _is_port(text: str) -> bool:
    return len(text) < 10 and 1 <= int(text) <= 65535


def _read(host: str) -> Address | str | None:
    try:
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode()
        return read_host(host)
    except ValueError:
        return None


def _plain(url: re.Match[str]) -> str:
    scheme, authority, path, query, _ = url.groups("")
    found = _AUTHORITY.fullmatch(authority)
    assert found is not None
    _, host, port = found.groups("")
    scheme = scheme.lower()
    plain = str(_read(host))
    plain = f"[{plain}]" if ":" in plain else plain
    if port and int(port) != {"http": 80, "https": 443}[scheme]:
        plain += f":{int(port)}"
    return f"{scheme}://{plain}{quote(path or '/', _KEPT)}{quote(query, _KEPT)}"


def _wrong_header(name: str, value: str) -> Iterator[Wrong]:
    reason = _REFUSED.get(name.lower()) or next(
        (
            why
            for start, why in _REFUSED_FAMILIES.items()
            if name.lower().startswith(start)
        ),
        None,
    )
    if reason:
        yield "refused", f"Leave this header out: {reason}."
    elif not _TOKEN.fullmatch(name):
        yield "header_name", "Name a header with letters, digits and - only."
    if _CONTROLS.search(value.replace("\t", " ")) or value.strip() != value:
        yield "header_value", "Remove line ends, control characters and outer spaces."
    elif any(ord(char) > 255 for char in value):
        yield (
            "header_value",
            "Use Latin-1 characters only; write others in an encoding.",
        )
