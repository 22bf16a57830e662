"""Reading what callers send: JSON they meant, or every problem with it at once."""

import asyncio
import difflib
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar, get_args, get_origin

import msgspec
from litestar.exceptions import ClientException

from callboard.errors import (
    MOST_PROBLEMS,
    Invalid,
    LimitReached,
    Problem,
)
from callboard.ingest import Room
from web.errors import AnyRequest
from web.misfits import in_words

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")

Judge = Callable[[S], Awaitable[object]]
"""Raises Invalid for what breaks the rules, and does nothing else."""
Place = tuple[str, ...]

_MOST_BYTES = 1024 * 1024
# For one that did not come with its head; a large one keeps room from others.
_SECONDS = 30
_SMALL = 64 * 1024  # as much has been read before anybody asks for it
# Stands for a required field of an object in a list that is wrong or missing.
_BLANK: dict[Any, Any] = {str: "", msgspec.Raw: None}


async def take(request: AnyRequest, shape: type[T], most: int = _MOST_BYTES) -> T:
    """Raises as `receive` and `read` do."""
    return read(await receive(request, most), msgspec.json.Decoder(shape))


async def take_judged(
    request: AnyRequest,
    shape: type[S],
    judge: Judge[S],
    instead: Mapping[str, Any],
    most: int = _MOST_BYTES,
    if_none: bytes = b"",
) -> S:
    """As `take`; of a body that has another shape, what is left is judged, too, so
    that nobody hears of the rules in a second round.

    `instead`: what stands for those required fields that are wrong or missing.
    `if_none`: the body where none is sent.
    """
    body = await receive(request, most) or if_none
    try:
        return read(body, msgspec.json.Decoder(shape))
    except Invalid as error:
        raise await with_rules(error, body, shape, judge, instead) from None


async def with_rules(
    error: Invalid,
    body: bytes,
    shape: type[S],
    judge: Judge[S],
    instead: Mapping[str, Any],
) -> Invalid:
    """What `read` found, and what `take_judged` tells beside it."""
    value, found = msgspec.json.decode(body), error.problems
    return Invalid([*found, *await _of_the_rest(value, shape, judge, instead, found)])


async def take_if_any(request: AnyRequest, shape: type[T]) -> T:
    """Where every field may be left out, so may the body."""
    body = await receive(request, _MOST_BYTES) or b"{}"
    return read(body, msgspec.json.Decoder(shape))


async def take_object(request: AnyRequest) -> dict[str, Any]:
    found = await take(request, object)
    if not isinstance(found, dict):
        raise Invalid([Problem("", "type", "Send a JSON object here.")])
    return found


async def receive(request: AnyRequest, most: int, room: Room | None = None) -> bytes:
    """The whole body; reads no further than `most`, whatever was announced. Raises
    LimitReached, and 408 where the rest does not come in time: others may wait for
    the room that a large one takes.
    """
    body, more = await _part(request)
    _check_size(len(body), most)
    if not more:
        return body
    size = _announced(request, most)
    if room and size > _SMALL:
        await room.enlarge(size)
    try:
        async with asyncio.timeout(_SECONDS):
            return await _with_the_rest(request, body, most)
    except TimeoutError:
        text = f"The body did not come within {_SECONDS} seconds."
        raise ClientException(text, status_code=408) from None


async def _with_the_rest(request: AnyRequest, first: bytes, most: int) -> bytes:
    parts, size, more = [first], len(first), True
    while more:
        part, more = await _part(request)
        parts.append(part)
        size += len(part)
        _check_size(size, most)
    return b"".join(parts)


async def _part(request: AnyRequest) -> tuple[bytes, bool]:
    """The next one, and whether another will follow."""
    message = await request.receive()
    if message["type"] != "http.request":
        raise ClientException("The connection was closed early.")
    return message["body"], message.get("more_body", False)


def _announced(request: AnyRequest, most: int) -> int:
    """The bytes of the body, or `most` where its head does not say."""
    for name, value in request.scope["headers"]:
        if name == b"content-length":
            _check_size(int(value), most)
            return int(value)
    return most


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise LimitReached(f"Send at most {most // 1024} KiB here.", "too_large")


def read(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """400 for what is no JSON, with the place; Invalid for what has another shape."""
    try:
        body.decode()  # the decoder passes over what it keeps raw
        try:
            return decoder.decode(body)
        except msgspec.ValidationError:
            value = msgspec.json.decode(body)
            raise Invalid(shape_problems(value, decoder.type)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(body, error) from None


def merged(now: Any, patch: Any) -> Any:
    """RFC 7396: null takes a member away, what is no object replaces."""
    if not isinstance(patch, dict):
        return patch
    found = dict(now) if isinstance(now, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


async def shaped(
    value: dict[str, Any],
    shape: type[S],
    judge: Judge[S],
    instead: Mapping[str, Any],
    refused: list[Problem],
) -> S:
    """As `take_judged`. `refused`: problems found before, whose fields are not
    reported again."""
    fields = {problem.field for problem in refused}
    misfits = (p for p in shape_problems(value, shape) if p.field not in fields)
    found = [*refused, *islice(misfits, MOST_PROBLEMS)]
    if found:
        more = await _of_the_rest(value, shape, judge, instead, found)
        raise Invalid([*found, *more])
    return msgspec.convert(value, shape)


async def _of_the_rest(
    value: Any,
    shape: type[S],
    judge: Judge[S],
    instead: Mapping[str, Any],
    found: Sequence[Problem],
) -> Iterable[Problem]:
    """What the rules say of the fields that are not broken already."""
    if not isinstance(value, dict) or len(found) >= MOST_PROBLEMS:
        return ()
    broken = {place for problem in found for place in _places(problem)}
    rest = msgspec.json.encode({**instead, **_left(value, shape, broken)})
    try:
        await judge(msgspec.json.decode(rest, type=shape))
    except Invalid as error:
        return [each for each in error.problems if broken.isdisjoint(_places(each))]
    return ()


def _places(problem: Problem) -> set[Place]:
    """The field, and all that it is in."""
    path = re.split(r"[.\[]", problem.field.replace("]", ""))
    return {tuple(path[:end]) for end in range(1, len(path) + 1)}


def _left(
    value: dict[str, Any], shape: type, broken: set[Place], where: Place = ()
) -> dict[str, Any]:
    """The fields that are not broken. Nor is any longer what has been looked into: a
    list of objects, whose places tell what is meant."""
    left = {}
    for field in msgspec.structs.fields(shape):
        if (name := field.encode_name) not in value:
            continue
        place, each, item = (*where, name), value[name], _item(field.type)
        if item and isinstance(each, list):
            broken.discard(place)
            left[name] = [
                _left_of_item(one, item, broken, (*place, str(i)))
                for i, one in enumerate(each)
            ]
        elif place not in broken:
            left[name] = each
    return left


def _left_of_item(
    value: Any, shape: type, broken: set[Place], where: Place
) -> dict[str, Any]:
    fields = msgspec.structs.fields(shape)
    blank = {f.encode_name: _BLANK[f.type] for f in fields if f.required}
    if not isinstance(value, dict):
        return blank
    broken.discard(where)
    return blank | _left(value, shape, broken, where)


def shape_problems(value: Any, shape: type, where: str = "") -> Iterator[Problem]:
    """Field by field, because the decoder stops at the first one. Lazily: a body has
    room for a million wrong ones, and each looks for near names."""
    if isinstance(value, dict):
        yield from _problems(value, shape, where)
    else:
        yield Problem(where.rstrip("."), "type", "Send a JSON object here.")


def _problems(value: dict[str, Any], shape: type, where: str) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for name in value.keys() - fields.keys():
        yield Problem(where + name, "unknown", _unknown(name, list(fields)))
    for name, field in fields.items():
        if name not in value:
            if field.required:
                yield Problem(where + name, "missing", f"Send {name}, too.")
        elif isinstance(value[name], dict) and _is_shape(field.type):
            yield from _problems(value[name], field.type, f"{where}{name}.")
        elif isinstance(value[name], list) and (item := _item(field.type)):
            for i, each in enumerate(value[name]):
                yield from shape_problems(each, item, f"{where}{name}[{i}].")
        elif field.type is not msgspec.Raw:
            yield from _misfit(value[name], field.type, where + name)


def _is_shape(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _item(kind: Any) -> Any:
    """Of a list of objects, their shape."""
    if get_origin(kind) in (list, tuple) and _is_shape(get_args(kind)[0]):
        return get_args(kind)[0]
    return None


def _misfit(value: Any, kind: Any, where: str) -> Iterator[Problem]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        yield Problem(where + path.rstrip("`"), "type", in_words(text, kind))


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no field {name[:60]} here.{hint}"


def _unreadable(body: bytes, error: Exception) -> ClientException:
    match error:
        case UnicodeDecodeError():
            text = f"The body is not UTF-8 (byte {error.start})."
        case RecursionError():
            text = "The body is nested too deeply."
        case _ if "(byte" in str(error):
            text = f"{error}."
        case _:
            text = f"JSON is malformed: it ends too early (byte {len(body)})."
    return ClientException(text)
