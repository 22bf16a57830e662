"""Which part of the data is sent, under which names.

Works on the sender's own text: what stays is not read and written again, so that big
numbers and the spelling of values stay as they are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import msgspec

from callboard.payload.shapes import Shape
from callboard.payload.values import Unfilled, check_size, items, kind, members

DEFAULT_LANGUAGE = "EN-US"

Json: TypeAlias = bytes
# None where the value goes away.
_Change: TypeAlias = Callable[[Json], Json | None]
# An object's members; of a large one that many fields lead into they are kept.
_Read: TypeAlias = Callable[[Json], dict[str, msgspec.Raw]]
# Of each name what is wanted below it; nothing: all of it.
_Tree: TypeAlias = "dict[str, _Tree]"
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Field:
    """`path`, or `path:alias` for another name in the first row."""

    path: tuple[str, ...]
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Projection:
    """`changes` come first: what a type leaves out, shortens or translates."""

    changes: tuple[tuple[tuple[str, ...], _Change], ...]
    fields: tuple[Field, ...]

    def apply(self, data: str) -> str:
        """Raises Unfilled for what cannot be read, or only with too deep a stack."""
        try:
            return self._applied(data)
        except RecursionError:
            raise Unfilled("The event's data is nested too deeply.") from None

    def _applied(self, data: str) -> str:
        found: Json | None = data.strip().encode()
        for path, change in self.changes:
            found = _changed(found or b"", path, change)
        if self.fields:
            found = _each(found or b"", self._picked)
        return (found or b"null").decode()

    def _picked(self, value: Json) -> Json | None:
        if kind(value) != b"{":
            return value
        picked = _pruned(value, _tree(f.path for f in self.fields if not f.alias))
        found = {} if picked is None else dict(members(picked))
        read: _Read = cache(members)
        size = 0
        for field in self.fields:
            reached = _reached(value, field.path, read) if field.alias else None
            if reached is not None:
                found[field.alias] = msgspec.Raw(reached)
                size += len(reached)
                check_size(size)
        return _encode(found)


def project(
    fields: Sequence[str], include: Sequence[str], language: str, shape: Shape
) -> Projection | None:
    """None where all of the data is sent as it is. What is included is sent beside the
    fields; a field that is named is asked for, too."""
    wanted = [read_field(text) for text in fields]
    asked = {".".join(field.path) for field in wanted} | set(include)
    changes = tuple(
        (tuple(path.split(".")), change)
        for path, kind in shape.fields.items()
        if (change := _change(path, kind, asked, language)) is not None
    )
    if wanted:
        wanted += [Field(tuple(path.split("."))) for path in include]
    return Projection(changes, tuple(wanted)) if changes or wanted else None


def read_field(text: str) -> Field:
    path, _, alias = text.partition(":")
    return Field(tuple(path.split(".")), alias)


def _change(path: str, kind: str, asked: set[str], language: str) -> _Change | None:
    if kind == "translated":
        return lambda value: _translated(value, language)
    if any(each == path or each.startswith(f"{path}.") for each in asked):
        return None
    return _only_id if kind == "relation" else lambda value: None


def _translated(value: Json, language: str) -> Json | None:
    if kind(value) != b"{":
        return value
    texts = {_plain(name): bytes(text) for name, text in members(value).items()}
    for name in (language, DEFAULT_LANGUAGE, *texts):
        if _plain(name) in texts:
            return texts[_plain(name)]
    return None


def _plain(language: str) -> str:
    return language.replace("_", "-").lower()


def _only_id(value: Json) -> Json | None:
    if kind(value) == b"[":
        return _each(value, _only_id)
    return _reached(value, ("id",), members) if kind(value) == b"{" else value


def _changed(value: Json, path: Sequence[str], change: _Change) -> Json | None:
    if not path:
        return change(value)
    if kind(value) == b"[":
        return _each(value, lambda item: _changed(item, path, change))
    if kind(value) != b"{":
        return value
    found = members(value)
    if path[0] not in found:
        return value
    below = _changed(bytes(found[path[0]]), path[1:], change)
    if below is None:
        del found[path[0]]
    else:
        found[path[0]] = msgspec.Raw(below)
    return _encode(found)


def _pruned(value: Json, tree: _Tree) -> Json | None:
    """None for a plain value where an object was wanted."""
    if kind(value) == b"[":
        return _each(value, lambda item: _pruned(item, tree))
    if kind(value) != b"{":
        return None
    kept = {}
    found = members(value)
    for name, below in tree.items():
        if name in found:
            part = bytes(found[name])
            left = _pruned(part, below) if below else part
            if left is not None:
                kept[name] = msgspec.Raw(left)
    return _encode(kept)


def _reached(value: Json, path: Sequence[str], read: _Read) -> Json | None:
    """Below a list: the list of what each of its items has there."""
    if not path:
        return value
    if kind(value) == b"[":
        return _each(value, lambda item: _reached(item, path, read))
    found = read(value).get(path[0]) if kind(value) == b"{" else None
    return None if found is None else _reached(bytes(found), path[1:], read)


def _each(value: Json, change: _Change) -> Json | None:
    if kind(value) != b"[":
        return change(value)
    changed, size = [], 0
    for item in items(value):
        part = change(bytes(item))
        if part is not None:
            changed.append(msgspec.Raw(part))
            size += len(part)
            check_size(size)
    return _encode(changed)


def _tree(paths: Iterator[tuple[str, ...]]) -> _Tree:
    """A path that is wanted whole stays so beside one that goes on below it."""
    tree: _Tree = {}
    for path in sorted(paths, key=len, reverse=True):
        node = tree
        for name in path[:-1]:
            node = node.setdefault(name, {})
        node[path[-1]] = {}
    return tree
