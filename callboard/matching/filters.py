"""All that a webhook's settings ask of an event beside its type."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from callboard.errors import Problem
from callboard.matching.anchors import Anchor
from callboard.matching.conditions import check_conditions, compile_conditions
from callboard.matching.context import Context, check_context, compile_context
from callboard.matching.selector_syntax import check_filter, compile_selectors
from callboard.matching.sending import Sending, check_sending, compile_sending
from callboard.matching.subject import Subject
from callboard.matching.values import Json
from callboard.matching.verdict import Part, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterSettings:
    """As people write them; what is empty asks nothing."""

    filter: str = ""
    conditions: Mapping[str, Json] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    sending: Sending = field(default_factory=Sending)


@dataclass(frozen=True, slots=True)
class Filters:
    """Compiled, the cheapest first. `passes` and `explain` agree."""

    parts: tuple[Part, ...]

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        return tuple(anchor for part in self.parts for anchor in part.anchors)

    def passes(self, subject: Subject) -> bool:
        return all(part.passes(subject) for part in self.parts)

    def explain(self, subject: Subject) -> list[tuple[Part, Verdict]]:
        """Of each part, up to the first that stops it."""
        found = []
        for part in self.parts:
            verdict = part.explain(subject)
            found.append((part, verdict))
            if not verdict.passes:
                break
        return found


def compile_filters(
    wanted: FilterSettings, parents: Mapping[str, str]
) -> Filters | None:
    """None where nothing is asked. `parents`: the tag above each tag of the tree."""
    parts: list[Part | None] = [
        compile_sending(wanted.sending),
        compile_context(wanted.context, parents),
        compile_conditions(wanted.conditions),
        compile_selectors(wanted.filter),
    ]
    found = tuple(part for part in parts if part is not None)
    return Filters(found) if found else None


def check_filters(wanted: FilterSettings) -> list[Problem]:
    return [
        *check_filter(wanted.filter),
        *check_conditions(wanted.conditions),
        *check_context(wanted.context),
        *check_sending(wanted.sending),
    ]


def read_settings(row: Mapping[str, str]) -> FilterSettings:
    """From a webhook's columns, of which all but `filter` are JSON text."""
    return FilterSettings(
        filter=row["filter"],
        conditions=msgspec.json.decode(row["conditions"]),
        context=msgspec.json.decode(row["context"], type=Context),
        sending=msgspec.json.decode(row["sending"], type=Sending),
    )
