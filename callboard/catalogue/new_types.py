"""An event type as somebody asks for it, and all that may be wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from callboard.catalogue.schemas import check_cost, check_data, compile_schema
from callboard.errors import Invalid, Problem, raise_all
from callboard.matching.patterns import check_type_name
from callboard.matching.sending import check_kinds
from callboard.payload.shapes import check_fields, check_placeholders

LONGEST_GROUP = 80
LONGEST_DESCRIPTION = 4000
LONGEST_SAMPLE = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEventType:
    """`schema` and `sample` are JSON texts; for the rest see the table."""

    name: str
    group: str = ""
    description: str = ""
    schema: str | None = None
    sample: str | None = None
    placeholders: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()


def check(new: NewEventType, name: str | None = None) -> list[Problem]:
    """Every problem; `name` is the one that it has and keeps."""
    problems = check_type_name(new.name)
    if name is not None and new.name != name:
        text = "A name stays: webhooks and senders know the type by it."
        problems = [Problem("name", "changed", text)]
    problems += _too_long("group", new.group, LONGEST_GROUP)
    problems += _too_long("description", new.description, LONGEST_DESCRIPTION)
    problems += _check_json(new)
    problems += check_placeholders(new.placeholders)
    problems += check_fields(new.fields)
    problems += check_kinds(new.kinds, "kinds")
    return problems


def _too_long(field: str, text: str, most: int) -> Iterator[Problem]:
    if len(text) > most:
        yield Problem(field, "too_long", f"Use at most {most} characters.")
    if "\0" in text:
        yield Problem(field, "nul", "Leave NUL characters out.")


def _check_json(new: NewEventType) -> Iterator[Problem]:
    """A sample that breaks its own schema would mislead everybody."""
    validator = None
    if new.schema is not None:
        try:
            compiled = compile_schema(new.schema)
            raise_all(check_cost(new.schema))
            validator = compiled
        except Invalid as error:
            yield from error.problems
    if new.sample is None:
        return
    if len(new.sample) > LONGEST_SAMPLE:
        yield from _too_long("sample", new.sample, LONGEST_SAMPLE)
        return
    try:
        value = msgspec.json.decode(new.sample)
    except (msgspec.DecodeError, RecursionError):
        yield Problem("sample", "json", "Write the sample as JSON.")
    else:
        yield from check_data(validator, value, "sample") if validator else ()
