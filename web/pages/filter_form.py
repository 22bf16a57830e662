"""The part of a webhook's form that narrows down its events."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import msgspec

from callboard.catalogue.tables import EventType
from callboard.errors import Problem
from callboard.matching.conditions import takes_value
from callboard.matching.context import Context, TagFilter
from callboard.matching.sending import USUAL, Sending
from callboard.webhooks.settings import NewWebhook
from web.pages import forms

_NO_JSON = "Write one condition a line, such as status = ACTIVE, or a JSON object."


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterForm:
    """`conditions`: one a line, or JSON. Tags stand between spaces, commas or lines:
    `context_below` with all below them, `context_exact` by themselves, `context_but`
    excluded. Kinds that the catalogue does not name are typed in `sending_others`.
    """

    filter: str = ""
    conditions: str = ""
    context_below: str = ""
    context_exact: str = ""
    context_but: str = ""
    sending_kinds: tuple[str, ...] = ()
    sending_others: str = ""
    sending_modes: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        """By the names of NewWebhook."""
        below, exact = _tags(self.context_below), _tags(self.context_exact)
        kinds = (*self.sending_kinds, *_kinds(self.sending_others))
        return {
            "filter": self.filter.rstrip(),
            "conditions": _read_conditions(self.conditions) or {},
            "context": Context(
                (*(TagFilter(t, True) for t in below), *map(TagFilter, exact)),
                _tags(self.context_but),
            ),
            "sending": Sending(tuple(dict.fromkeys(kinds)), self.sending_modes),
        }

    def problems(self) -> Iterable[Problem]:
        """Of what cannot even be handed on."""
        if _read_conditions(self.conditions) is None:
            yield Problem("conditions", "json", _NO_JSON)

    def place(self, problem: Problem) -> Problem:
        """A problem of the domain at the field of this form."""
        match problem.field.split(".", 2):
            case ["conditions", *key]:
                text = ": ".join([*[".".join(key)], problem.message])
                return replace(problem, field="conditions", message=text)
            case ["context", "filters", place]:
                is_below = int(place) < len(_tags(self.context_below))
                field = "context_below" if is_below else "context_exact"
                return replace(problem, field=field)
            case ["context", "exclusions", *_]:
                return replace(problem, field="context_but")
            case ["sending", "kinds", *_]:
                return replace(problem, field="sending_others")
        return problem

    @property
    def is_empty(self) -> bool:
        return self in (FilterForm(), FilterForm(sending_modes=USUAL.modes))

    @classmethod
    def of(cls, new: NewWebhook, types: Sequence[EventType]) -> Self:
        known = kinds_of(types)
        filters = new.context.filters
        return cls(
            filter=new.filter,
            conditions=_write_conditions(new.conditions),
            context_below=" ".join(f.tag for f in filters if f.include_children),
            context_exact=" ".join(f.tag for f in filters if not f.include_children),
            context_but=" ".join(new.context.exclusions),
            sending_kinds=tuple(kind for kind in new.sending.kinds if kind in known),
            sending_others=", ".join(k for k in new.sending.kinds if k not in known),
            sending_modes=new.sending.modes,
        )


def kinds_of(types: Iterable[EventType]) -> list[str]:
    """The kinds of messages that the catalogue names."""
    found = (msgspec.json.decode(type.kinds, type=list[str]) for type in types)
    return sorted({kind for kinds in found for kind in kinds})


def usual_sending(types: Sequence[EventType]) -> Sending:
    """Of a new webhook: where the catalogue has messages, those to one contact."""
    return USUAL if kinds_of(types) else Sending()


def _tags(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.findall(r"[^\s,;]+", text)))


def _kinds(text: str) -> list[str]:
    return [kind for each in re.split(r"[,;\n]", text) if (kind := each.strip())]


def _read_conditions(text: str) -> dict[str, Any] | None:
    """None for what is neither lines nor an object."""
    if not text.lstrip().startswith("{"):
        return _from_lines(text)
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None


def _from_lines(text: str) -> dict[str, Any] | None:
    """A field that comes twice goes under a number, as a whole condition."""
    found: dict[str, Any] = {}
    for line in filter(str.strip, text.splitlines()):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals and takes_value(key):
            return None
        if key in found:
            key, value = str(len(found)), f"{key}={value}"
        found[key] = value
    return found


def _write_conditions(conditions: dict[str, Any]) -> str:
    """As lines where that says the same, else as JSON."""
    lines = []
    for key, value in conditions.items():
        if isinstance(value, dict | list) or "\n" in str(value):
            return forms.pretty(conditions)
        if key.isdigit():
            lines.append(str(value))
        else:
            text = value if isinstance(value, str) else forms.compact(value)
            lines.append(f"{key} = {text}" if takes_value(key) else key)
    return "\n".join(lines)
