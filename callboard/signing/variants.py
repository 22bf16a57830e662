"""What receivers do to a body before they check it, undone."""

import json
import re
from collections.abc import Iterator

_OUTSIDE = re.compile(rb'"(?:[^"\\]|\\.)*"|\s+', re.DOTALL)


def variants(body: bytes) -> Iterator[tuple[bytes, str]]:
    """Bodies that may have been sent, each with what then happened to it."""
    yield body + b"\n", "the line end at its end is gone"
    yield body.rstrip(b"\r\n"), "a line end was added to it"
    yield body.strip(), "white space was added around it"
    yield body.removeprefix(b"\xef\xbb\xbf"), "a byte order mark was put in front"
    yield body.replace(b"\r\n", b"\n"), "its line ends became CRLF"
    yield body.replace(b"\n", b"\r\n"), "its line ends (CRLF) became LF"
    said = "it was read as JSON and written again, which changes spaces or escapes"
    for text in _rewritten(body):
        yield text, said


def _rewritten(body: bytes) -> Iterator[bytes]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    for separators in ((",", ":"), (", ", ": ")):
        for is_ascii in (False, True):
            text = json.dumps(value, separators=separators, ensure_ascii=is_ascii)
            yield text.encode("utf-8", "surrogatepass")
            yield text.replace("/", r"\/").encode("utf-8", "surrogatepass")
    yield _OUTSIDE.sub(_kept, body)


def _kept(found: re.Match[bytes]) -> bytes:
    """Strings stay, spaces between them go."""
    return found[0] if found[0].startswith(b'"') else b""
