"""The form of a replay: as it was typed, until the domain judges it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from litestar.datastructures import FormMultiDict, MultiDict

from callboard.delivery.states import FINISHED
from callboard.errors import Invalid, Problem
from callboard.replays.selection import Selection
from web.pages import forms

Given = MultiDict[Any] | FormMultiDict

_REFUSED = -1.0  # what is no number is out of every range


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayForm:
    """`kind`: "ended", of the ticked `states`, or "missing"."""

    webhook: str = ""
    kind: str = "ended"
    states: tuple[str, ...] = ("failed",)
    types: str = ""
    since: str = ""
    until: str = ""
    rate_per_second: str = ""

    @classmethod
    def read(cls, given: Given) -> Self:
        """From a form, or from an address such as a list's filter makes it, with one
        `state`."""
        texts = {
            name: text.strip()
            for name in cls.__slots__
            if name != "states" and isinstance(text := given.get(name), str)
        }
        for name in ("since", "until"):
            if texts.get(name):
                texts[name] = _as_typed(texts[name])
        return cls(**texts, states=_states(given))

    @property
    def query(self) -> str:
        return urlencode(list(self.pairs))

    @property
    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every field, as the next form or address carries it."""
        for name, value in asdict(self).items():
            for each in value if isinstance(value, tuple) else (value,):
                yield name, each

    def to_command(self) -> tuple[Selection, list[Problem]]:
        """With what could not be read: the rest can be judged all the same."""
        problems: list[Problem] = []
        if self.kind == "ended" and not self.states:
            text = "Tick at least one, or choose what was never sent."
            problems.append(Problem("states", "empty", text))
        since, until = (self._time(name, problems) for name in ("since", "until"))
        wanted = Selection(
            webhook=self.webhook,
            states=self.states if self.kind == "ended" else (),
            types=tuple(self.types.replace(",", " ").split()),
            since=since,
            until=until,
            missing=self.kind == "missing",
            rate_per_second=_number(self.rate_per_second),
        )
        return wanted, problems

    def _time(self, name: str, problems: list[Problem]) -> datetime | None:
        try:
            return forms.time(getattr(self, name), name)
        except Invalid as error:
            problems += error.problems
            return None


def _states(given: Given) -> tuple[str, ...]:
    """Ticked ones; of a list's filter the one, if it can be sent again."""
    if "kind" in given:
        ticked = given.getall("states", [])
        return tuple(state for state in FINISHED if state in ticked)
    only = given.get("state")
    return (str(only),) if only in set(FINISHED) else ("failed",)


def _as_typed(text: str) -> str:
    """As the browser's field for a time in UTC takes it."""
    try:
        found = forms.time(text, "")
    except Invalid:
        return text
    assert found is not None
    return found.replace(tzinfo=None).isoformat(timespec="minutes")


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return _REFUSED
