"""Which URLs a webhook may have. Each message says what to do."""

import re
from collections.abc import Collection, Iterator
from urllib.parse import quote, urlsplit

import idna

from callboard.egress.addresses import Address, read_host
from callboard.errors import Problem
from callboard.payload import placeholders
from callboard.payload.placeholders import Flaw, Slot
from callboard.payload.settings import as_problem

LONGEST_URL = 2048

_URL = re.compile(r"([^:/?#]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[[^\[\]]*\]|[^\[\]:]*)(?::(.*))?", re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_KEPT = "!#$%&'()*+,/:;=?@[]~"  # as they are in a URL
_BRACES = re.compile(r"\{[ ]*([^{}]*?)[ ]*\}|[{}]")
_SCHEME = "Begin the URL with https:// or http://."
_TOO_LONG = Problem("url", "too_long", f"Use at most {LONGEST_URL} characters.")


def check_url(
    url: str, allow_http: bool, short_names: Collection[str] = ()
) -> tuple[str | None, list[Problem]]:
    """The URL with its host in lower case and ASCII; None where there is a problem.

    Placeholders may stand in path and query. Whether the address that a host leads to
    may be called is not judged here, but at each call.
    """
    if len(url) > LONGEST_URL:
        return None, [_TOO_LONG]
    found = _URL.fullmatch(url)
    problems = [as_problem("url", flaw) for flaw in _flaws(url, short_names)]
    problems = problems or [Problem("url", *wrong) for wrong in _wrong_text(url)]
    if found is None or problems:
        return None, problems or [Problem("url", "scheme", _SCHEME)]
    problems = [Problem("url", *wrong) for wrong in _wrong_parts(found, allow_http)]
    if problems:
        return None, problems
    plain = _plain(found)
    return (plain, []) if len(plain) <= LONGEST_URL else (None, [_TOO_LONG])


def check_slots(url: str, method: str, short_names: Collection[str]) -> list[Problem]:
    """Whether the placeholders of a good URL reach something. A GET call without one
    would tell the receiver nothing."""
    slots = placeholders.slots_of(placeholders.split(url)[0])
    if method == "GET" and not slots:
        such = next(iter(sorted(short_names)), "data.id")
        text = f"A GET call needs a placeholder in its URL, such as ${{{such}}}."
        return [Problem("url", "placeholder", text)]
    unknown = placeholders.unknown(slots, short_names)
    return [as_problem("url", flaw) for flaw in unknown]


def _flaws(url: str, short_names: Collection[str]) -> list[Flaw]:
    """Malformed placeholders, and braces that no URL may have."""
    parts, flaws = placeholders.split(url, short_names)
    if flaws:
        return flaws
    rest = "".join(" " * len(str(p)) if isinstance(p, Slot) else p for p in parts)
    return [Flaw(b.start(), _brace(b[1] or "")) for b in _BRACES.finditer(rest)]


def _brace(inside: str) -> str:
    if placeholders.is_name(inside):
        return f"Write ${{{inside}}}, with a dollar sign: that is a placeholder."
    return "Write %7B and %7D for braces that belong to no placeholder."


def _wrong_text(url: str) -> Iterator[tuple[str, str]]:
    if _CONTROLS.search(url):
        yield "characters", "Remove line ends, tabs and other control characters."
    elif " " in url:
        yield "characters", "Write %20 for a space, and remove spaces at the ends."
    elif "\\" in url:
        yield "characters", "Write / where the URL has a backslash, or %5C to send one."


def _wrong_parts(url: re.Match[str], allow_http: bool) -> Iterator[tuple[str, str]]:
    scheme, authority, _, _, fragment = url.groups("")
    if scheme.lower() not in ("http", "https"):
        yield "scheme", _SCHEME
    elif scheme.lower() == "http" and not allow_http:
        yield "scheme", "Begin the URL with https://: plain http is switched off here."
    yield from _wrong_authority(authority)
    if fragment:
        yield "fragment", "Remove the # and what follows: it would never be sent."


def _wrong_authority(authority: str) -> Iterator[tuple[str, str]]:
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


def _wrong_host(host: str) -> Iterator[tuple[str, str]]:
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
    return f"{scheme}://{plain}{_quoted(path or '/')}{_quoted(query)}"


def _quoted(text: str) -> str:
    """All but the names in placeholders, which go away before anything is sent."""
    parts, _ = placeholders.split(text)
    return "".join(str(p) if isinstance(p, Slot) else quote(p, _KEPT) for p in parts)


def host_of(url: str) -> str:
    """For telling webhooks by their receiver's machine; the URL has been checked."""
    return urlsplit(url).hostname or url
