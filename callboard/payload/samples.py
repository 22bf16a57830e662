"""What an event of a type could look like: its own sample, or one from its schema.

A made sample has the schema's shape and keeps to its types, lists of values, formats
and bounds; `pattern`, `not`, `if`, `contains` and `uniqueItems` are left aside.
"""

import math
import operator
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

Json: TypeAlias = Any

# Below this depth, and once this many values are made, only what is required is made;
# with the spare used up too, nothing.
_DEPTH = 5
_VALUES = 200
_SPARE = 2000
_LENGTH = 100

_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "duration": "P1D",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/about",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "json-pointer": "/name",
    "regex": "^[a-z]+$",
}
_BOUNDS = {
    "minimum": operator.ge,
    "exclusiveMinimum": operator.gt,
    "maximum": operator.le,
    "exclusiveMaximum": operator.lt,
}
_SIGNS = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "prefixItems", "minItems"},
    "number": {*_BOUNDS, "multipleOf"},
}


def sample(own: Json, schema: Json) -> Json:
    """`own` and `schema` are an event type's, None for what it does not have."""
    return own if own is not None else _Maker(schema).value(schema, 0)


class _Maker:
    def __init__(self, root: Json) -> None:
        self.root = root
        self.left = _VALUES  # a schema that holds itself twice doubles at each level

    def value(self, schema: Json, depth: int) -> Json:
        schema = self._flat(schema, _DEPTH)
        given = _given(schema)
        if given:
            return given[0]
        match _type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "string":
                return _string(schema)
            case "integer" | "number" as kind:
                return _number(schema, whole=kind == "integer")
            case "boolean" | "null" as kind:
                return True if kind == "boolean" else None
        return "text" if depth else {}

    def _flat(self, schema: Json, rounds: int) -> dict[str, Json]:
        """The schema with what it refers to and is made of laid into it."""
        self.left -= 1
        if not isinstance(schema, Mapping) or self.left < -_SPARE:
            return {}
        parts = [self._target(schema["$ref"])] if "$ref" in schema else []
        parts += _list(schema, "allOf")
        for key in ("anyOf", "oneOf"):
            parts += sorted(_list(schema, key), key=_empty)[:1]
        flat = dict(schema)
        for part in parts if rounds else []:
            flat = _merged(flat, self._flat(part, rounds - 1))
        return flat

    def _target(self, ref: Json) -> Json:
        """Where a reference within this schema leads; {} for any other."""
        if not isinstance(ref, str) or ref[:2] not in ("#", "#/"):
            return {}
        target = self.root
        for step in ref.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(target, list):
                target = {str(place): item for place, item in enumerate(target)}
            target = target.get(step, {}) if isinstance(target, Mapping) else {}
        return target

    def _object(self, schema: dict[str, Json], depth: int) -> dict[str, Json]:
        properties = _mapping(schema, "properties")
        names = [name for name in _list(schema, "required") if isinstance(name, str)]
        if self._wide(depth):
            names = [n for n, part in properties.items() if part is not False] + names
        if depth > 2 * _DEPTH or self.left < -_SPARE:  # required without an end
            names = []
        return {
            n: self.value(properties.get(n), depth + 1) for n in dict.fromkeys(names)
        }

    def _array(self, schema: dict[str, Json], depth: int) -> list[Json]:
        rest = schema.get("items")
        parts = _list(schema, "prefixItems")
        least = _size(schema, "minItems", 0)
        most = _size(schema, "maxItems", _LENGTH)
        if self._wide(depth) and rest is not False:
            least = max(least, len(parts), 1)
        parts = [*parts, *[rest] * (least - len(parts))]
        if depth > 2 * _DEPTH or self.left < -_SPARE:
            parts = []
        return [self.value(part, depth + 1) for part in parts[: min(least, most)]]

    def _wide(self, depth: int) -> bool:
        return depth < _DEPTH and self.left > 0


def _merged(one: dict[str, Json], other: dict[str, Json]) -> dict[str, Json]:
    merged = {**other, **one}
    properties = {**_mapping(other, "properties")}
    for name, part in _mapping(one, "properties").items():
        both = name in properties
        properties[name] = {"allOf": [part, properties[name]]} if both else part
    if properties:
        merged["properties"] = properties
    required = _list(one, "required") + _list(other, "required")
    return {**merged, "required": required} if required else merged


def _given(schema: dict[str, Json]) -> list[Json]:
    """The values that the schema itself names, the best one first."""
    fixed = [schema["const"]] if "const" in schema else []
    usual = [schema["default"]] if "default" in schema else []
    return fixed + _list(schema, "examples") + usual + _list(schema, "enum")


def _type(schema: dict[str, Json]) -> Json:
    kinds = schema.get("type")
    if isinstance(kinds, list):
        kinds = next((kind for kind in kinds if kind != "null"), "null")
    found = [kind for kind, signs in _SIGNS.items() if signs & schema.keys()]
    return kinds or (found[0] if found else "string" if "format" in schema else None)


def _string(schema: dict[str, Json]) -> str:
    form = schema.get("format")
    text = _FORMATS.get(form, "text") if isinstance(form, str) else "text"
    most = _size(schema, "maxLength", _LENGTH)
    return text.ljust(_size(schema, "minLength", 0), ".")[:most]


def _number(schema: dict[str, Json], *, whole: bool) -> int | float:
    """1 where it fits, else a number close to a bound."""
    ends = [end for key in _BOUNDS if (end := _fraction(schema, key)) is not None]
    step = _fraction(schema, "multipleOf") or Fraction(1)
    step = Fraction(step.numerator) if whole else step
    near = [math.floor(end / step) * step for end in [Fraction(1), *ends]]
    tries = [place + more for place in near for more in (0, step, -step)]
    if not whole and "multipleOf" not in schema:
        tries += [(one + other) / 2 for one, other in pairwise(sorted(ends))]
    fitting = [number for number in tries if _fits(schema, number)] or tries
    return int(fitting[0]) if fitting[0].denominator == 1 else float(fitting[0])


def _fits(schema: dict[str, Json], number: Fraction) -> bool:
    ends = [(_fraction(schema, key), holds) for key, holds in _BOUNDS.items()]
    return all(end is None or holds(number, end) for end, holds in ends)


def _fraction(schema: dict[str, Json], key: str) -> Fraction | None:
    """Through its text, because 0.1 means a tenth here and not the nearest float."""
    value = schema.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Fraction(str(value)) if abs(value) < 1e15 else None


def _size(schema: dict[str, Json], key: str, default: int) -> int:
    value = schema.get(key)
    return int(min(value, _LENGTH)) if isinstance(value, int | float) else default


def _list(schema: Mapping[str, Json], key: str) -> list[Json]:
    value = schema.get(key)
    return value if isinstance(value, list) else []


def _mapping(schema: dict[str, Json], key: str) -> Mapping[str, Json]:
    value = schema.get(key)
    return value if isinstance(value, Mapping) else {}


def _empty(schema: Json) -> bool:
    return schema is False or schema == {"type": "null"}
