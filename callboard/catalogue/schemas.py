"""Holds an event's data against the JSON schema of its type.

Draft 2020-12 unless `$schema` names another. Nothing outside the schema is ever read:
a `$ref` to the network or to a file makes the schema invalid. As the draft has it,
`format` describes and does not refuse.
"""

from itertools import islice
from typing import Any

import msgspec
from jsonschema_rs import (
    FancyRegexOptions,
    ValidationError,
    Validator,
    validator_for,
)

from callboard.catalogue.schema_cost import is_costly
from callboard.errors import Problem, invalid

_FIELD = "schema"

LONGEST_SCHEMA = 256 * 1024
MOST_PROBLEMS = 20
LONGEST_MESSAGE = 300

# Each error costs ten microseconds, and a long list can have an error in every item.
_MANY = 1000
_PATTERNS = FancyRegexOptions(backtrack_limit=100_000)


def compile_schema(text: str) -> Validator:
    """Costs milliseconds: keep what comes back. `Invalid` for what is no schema."""
    if len(text) > LONGEST_SCHEMA:
        message = f"Keep the schema within {LONGEST_SCHEMA} characters."
        raise invalid(_FIELD, "too_long", message)
    try:
        return validator_for(
            text, mask="The value", offline=True, pattern_options=_PATTERNS
        )
    except ValidationError as error:
        message = _reference(error) if error.kind.name == "$ref" else error.message
        raise invalid(_pointer(_FIELD, error), "schema", _sentence(message)) from error
    except ValueError as error:
        message = "Write the schema as JSON: an object, or true."
        raise invalid(_FIELD, "json", message) from error


def check_cost(text: str) -> list[Problem]:
    """Of a good schema, before anything is held against it. Those that are kept
    have passed."""
    try:
        costly = is_costly(msgspec.json.decode(text))
    except (msgspec.DecodeError, RecursionError):
        message = "Write smaller numbers, and nest it less deeply."
        return [Problem(_FIELD, "json", message)]
    if not costly:
        return []
    message = (
        "To check one value takes too many steps here. Let fewer parts refer to each"
        " other by $ref, above all within anyOf, oneOf and allOf."
    )
    return [Problem(_FIELD, "costly", message)]


def check_data(validator: Validator, data: Any, field: str = "data") -> list[Problem]:
    """At most twenty problems, each with the JSON pointer of its place.

    Values are not repeated: they may be long, and they may be secret.
    """
    try:
        if validator.is_valid(data):
            return []
        return [_problem(error, field) for error in _errors(validator, data)]
    except ValueError:
        return [Problem(field, "too_deep", "Nest lists and objects less deeply.")]


def _errors(validator: Validator, data: Any) -> list[ValidationError]:
    if len(validator.evaluate(data).errors()) <= _MANY:
        return list(islice(validator.iter_errors(data), MOST_PROBLEMS))
    try:
        validator.validate(data)
    except ValidationError as first:
        return [first]
    return []


def _problem(error: ValidationError, field: str) -> Problem:
    return Problem(_pointer(field, error), error.kind.name, _sentence(error.message))


def _pointer(field: str, error: ValidationError) -> str:
    """RFC 6901, behind the field's name: `data/f_EMail`."""
    steps = [str(step).replace("~", "~0") for step in error.instance_path]
    return _short("/".join([field, *(step.replace("/", "~1") for step in steps)]))


def _reference(error: ValidationError) -> str:
    if error.message.startswith("Unknown meta-schema"):
        return "Name a published draft in $schema, or leave it out for 2020-12"
    return f"Keep what $ref names in this schema, under $defs: {error.message}"


def _sentence(text: str) -> str:
    return _short(text[:1].upper() + text[1:]).removesuffix(".") + "."


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + "…"
