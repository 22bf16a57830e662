"""A webhook's settings, compiled once: they make the URL and body of each call."""

from collections.abc import Iterable, Mapping
from io import BytesIO

import msgspec

from callboard.payload import addresses, cloud, templates
from callboard.payload.formats import form_body, standard_body
from callboard.payload.projection import DEFAULT_LANGUAGE, Projection, project
from callboard.payload.settings import Payload
from callboard.payload.shapes import PLAIN, Shape
from callboard.payload.values import Facts, Values, check_size

Headers = tuple[tuple[str, str], ...]

_JSON = (("Content-Type", "application/json"),)
_FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
# A hundred of the largest events there are, as they were sent.
LARGEST_ARRAY = 32 * 1024 * 1024
_BATCHED = {"application/cloudevents+json": "application/cloudevents-batch+json"}


class Body(msgspec.Struct, frozen=True, gc=False):
    """`again`: the event alone makes it again, so that nobody need keep it."""

    content: bytes
    headers: Headers
    again: bool = False


class Composer:
    """`source` of CloudEvents; `shapes`: of the event types that declare anything."""

    def __init__(
        self,
        url: str,
        method: str,
        payload: Payload,
        source: str,
        shapes: Mapping[str, Shape],
    ) -> None:
        self._url = _without_empty_query(url)
        self._address = addresses.read(url)
        self._payload = payload
        self._format = payload.format_with(method)
        self._template = templates.read(payload.template)
        self._source = payload.source or source
        self._shapes = shapes
        self._whole = _projection(payload, PLAIN)
        self._parts: dict[str, Projection | None] = {}
        told = payload.language.replace("_", "-")
        own = told != DEFAULT_LANGUAGE
        self._language = (("Content-Language", told),) if own else ()

    def url(self, facts: Facts) -> str:
        """Raises Unfilled."""
        if self._address is None:
            return self._url
        return _without_empty_query(self._address.fill(self._values(facts)))

    def body(self, facts: Facts, attempt: int) -> Body:
        """`attempt`: which one of its delivery it is, from 1. Raises Unfilled."""
        part = self._part(facts.type)
        if part is None and self._format == "standard":
            headers = _JSON + self._language
            return Body(standard(facts, facts.data), headers, again=True)
        data = facts.data if part is None else part.apply(facts.data)
        made = self._made(facts, data, attempt)
        check_size(len(made.content))
        told = self._language if made.content else ()
        return Body(made.content, made.headers + told)

    def _made(self, facts: Facts, data: str, attempt: int) -> Body:
        match self._format:
            case "standard":
                return Body(standard(facts, data), _JSON)
            case "data":
                return Body(data.encode(), _JSON)
            case "form":
                return Body(form_body(facts.type, data, attempt), _FORM)
            case "template":
                return Body(self._template.fill(self._values(facts, data)), _JSON)
            case "cloudevents":
                return _cloud(facts, data, self._source, self._payload.mode)
        return Body(b"", ())

    def _values(self, facts: Facts, data: str | None = None) -> Values:
        short_names = self._shapes.get(facts.type, PLAIN).placeholders
        return Values(facts, short_names, self._payload.language, data)

    def _part(self, type: str) -> Projection | None:
        shape = self._shapes.get(type)
        if shape is None:
            return self._whole
        if type not in self._parts:
            self._parts[type] = _projection(self._payload, shape)
        return self._parts[type]


def as_array(bodies: Iterable[Body]) -> Body:
    """The bodies of several events as one JSON array, and the type that it has then."""
    array = BytesIO()  # there may be 32 MiB of them, which need not be there twice
    for body in bodies:
        array.write(b"," if array.tell() else b"[")
        array.write(body.content)
    array.write(b"]")
    headers = [(name, _BATCHED.get(text, text)) for name, text in body.headers]
    return Body(array.getvalue(), tuple(headers))


def standard(facts: Facts, data: str) -> bytes:
    return standard_body(facts.id, facts.type, facts.occurred_at, data)


def _without_empty_query(url: str) -> str:
    """The transport sends no ? with nothing behind it; so none is shown either."""
    return url[:-1] if url.find("?") == len(url) - 1 else url


def _projection(payload: Payload, shape: Shape) -> Projection | None:
    return project(payload.fields, payload.include, payload.language, shape)


def _cloud(facts: Facts, data: str, source: str, mode: str) -> Body:
    message = cloud.message(facts, data, source, mode)
    named = {"content-type": "Content-Type"}
    headers = [(named.get(name, name), text) for name, text in message.headers.items()]
    return Body(message.body, tuple(headers))
