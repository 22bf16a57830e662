"""The forms on a page, with what a browser would send of them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Found:
    """`names`: of all fields; `sent`: those that have a value as the page stands."""

    action: str
    method: str
    names: list[str] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)


def forms_in(html: str) -> list[Found]:
    reader = _Reader()
    reader.feed(html)
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Found] = []
        self._open: Found | None = None
        self._text: list[str] | None = None
        self._choice: str | None = None

    def handle_starttag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            method = given.get("method", "get").lower()
            self._open = Found(given.get("action", ""), method)
            self.found.append(self._open)
        if tag == "option" and self._choice is None:
            self._choice = given.get("value", "")
        if tag == "option" and "selected" in given:
            self._choice = given.get("value", "")
        if self._open is None or "name" not in given:
            return
        self._open.names.append(given["name"])
        if tag == "textarea":
            self._text = []
        elif tag == "select":
            self._choice = None
        elif tag == "input" and ("checked" in given or not _is_ticked(given)):
            self._open.sent.append((given["name"], given.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._open is None:
            return
        if tag == "textarea" and self._text is not None:
            text = "".join(self._text).removeprefix("\n")
            self._open.sent.append((self._open.names[-1], text))
            self._text = None
        elif tag == "select":
            self._open.sent.append((self._open.names[-1], self._choice or ""))
        elif tag == "form":
            self._open = None


def _is_ticked(given: dict[str, str]) -> bool:
    return given.get("type") in ("checkbox", "radio")
