"""How much work one place in the data can make for those who check it. Pure.

A `$ref` costs nothing to write and may stand in `anyOf` beside itself: forty lines of
that are 2⁴⁰ checks, and nothing else would happen here meanwhile.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

MOST = 2_000
MOST_NAMES = 100  # by $id and $anchor; each is looked through for each reference
_DEEPEST = 12  # twice over at each level, that is beyond MOST

_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLE = ("not", "if", "then", "else")
_NAMED = ("dependentSchemas", "dependencies")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_NAMES = ("$id", "id", "$anchor", "$dynamicAnchor")
# All of these may be about one and the same member of the data.
_FOR_ALL = (
    *("additionalProperties", "unevaluatedProperties", "propertyNames", "items"),
    *("additionalItems", "unevaluatedItems", "contains"),
)


def is_costly(schema: Any) -> bool:
    cost = _Cost(schema)
    try:
        return cost.names > MOST_NAMES or cost.of(schema, _DEEPEST) >= MOST
    except RecursionError:
        return True


class _Cost:
    def __init__(self, schema: Any) -> None:
        self._whole = schema
        self._named = {
            node[name]: node
            for node in _nodes(schema)
            for name in _NAMES
            if isinstance(node.get(name), str)
        }
        self._known: dict[tuple[int, int], int] = {}

    @property
    def names(self) -> int:
        return len(self._named)

    def of(self, node: Any, levels: int) -> int:
        """How many schemas are asked, at most, for one value and for one in each of the
        `levels` below it; no more than MOST."""
        if not isinstance(node, dict):
            return 0 if node is None else 1
        key = id(node), levels
        if key not in self._known:
            self._known[key] = 1  # a validator stops at such a circle, too
            beside = sum(self.of(each, levels) for each in self._beside(node))
            below = self._below(node, levels - 1) if levels else 0
            self._known[key] = min(1 + beside + below, MOST)
        return self._known[key]

    def _beside(self, node: dict[str, Any]) -> Iterator[Any]:
        """Those that are asked about the same value."""
        for name in _LISTS:
            yield from _values(node.get(name))
        for name in _NAMED:
            yield from _values(node.get(name))
        yield from (node[name] for name in _SINGLE if name in node)
        for name in _REFERENCES:
            if isinstance(node.get(name), str):
                yield from self._meant(node[name])

    def _below(self, node: dict[str, Any], levels: int) -> int:
        places = [node.get("properties"), node.get("prefixItems"), node.get("items")]
        if isinstance(places[-1], dict):
            places[-1] = None
        one = [self.of(each, levels) for place in places for each in _values(place)]
        for_all = [node[n] for n in _FOR_ALL if isinstance(node.get(n), dict)]
        for_all += _values(node.get("patternProperties"))
        return max(one, default=0) + sum(self.of(each, levels) for each in for_all)

    def _meant(self, reference: str) -> list[Any]:
        """What it may refer to, in any part that has a name: rather too many than too
        few."""
        base, _, place = unquote(reference).partition("#")
        steps = place.split("/")[1:]
        parts = [self._whole, *self._named.values()]
        found = [_at(part, steps) for part in parts] if steps else []
        named = [self._named[name] for name in (base, place) if name in self._named]
        if base and base not in self._named:  # it is relative to another name
            named += self._named.values()
        return [*found, *named] if place or base else [self._whole]


def _at(node: Any, steps: list[str]) -> Any:
    """RFC 6901; None where there is nothing."""
    for step in steps:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict):
            node = node.get(step)
        elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
            node = node[int(step)]
        else:
            return None
    return node


def _values(found: Any) -> list[Any]:
    if isinstance(found, list):
        return found
    return list(found.values()) if isinstance(found, dict) else []


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
        waiting += _values(node)
