"""What a webhook's calls carry: its settings, and which of them are fine."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

import msgspec

from callboard.errors import Problem
from callboard.payload import placeholders, templates
from callboard.payload.cloud import MODES
from callboard.payload.placeholders import Flaw
from callboard.payload.projection import DEFAULT_LANGUAGE, read_field
from callboard.payload.shapes import Shape, declared_by_all, includable

FORMATS = ("standard", "data", "form", "template", "none", "cloudevents")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MOST_FIELDS = 200

_FIELD = re.compile(r"[\w-]+(\.[\w-]+)*(:[^:\x00-\x1f\ud800-\udfff]{1,80})?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")
_SOURCE = re.compile(r"[!-~]{1,300}")


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """`format` None is the method's own: none with GET, else standard. `fields`: paths
    in the data, `path:alias` under another name. `include`: what the event types leave
    out unless it is asked for. `mode` and `source` are for cloudevents; without a
    source the account is it."""

    format: str | None = None
    template: str = ""
    fields: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    language: str = DEFAULT_LANGUAGE
    mode: str = "structured"
    source: str = ""

    def format_with(self, method: str) -> str:
        return self.format or ("none" if method == "GET" else "standard")


def check_method(method: str) -> list[Problem]:
    if method in METHODS:
        return []
    return [Problem("method", "unknown", f"Choose one of {', '.join(METHODS)}.")]


def check_payload(
    payload: Payload, method: str, shapes: Mapping[str, Shape]
) -> list[Problem]:
    """`shapes`: by name, of each event type that the webhook listens to."""
    return [
        *_check_format(payload, method),
        *_check_template(payload, method, declared_by_all(shapes)),
        *_check_fields(payload.fields),
        *_check_include(payload.include, includable(shapes.values())),
        *_check_words(payload),
    ]


def as_problem(field: str, flaw: Flaw) -> Problem:
    place = flaw.at + 1
    return Problem(field, "placeholder", f"At character {place}: {flaw.message}", place)


def _check_format(payload: Payload, method: str) -> Iterator[Problem]:
    if payload.format not in (None, *FORMATS):
        text = f"Choose one of {', '.join(FORMATS)}."
        yield Problem("payload.format", "unknown", text)
    elif method == "GET" and payload.format_with(method) != "none":
        text = "A GET call has no body: choose none, or another method."
        yield Problem("payload.format", "body", text)


def _check_template(
    payload: Payload, method: str, short_names: Collection[str]
) -> Iterator[Problem]:
    field, text = "payload.template", payload.template
    if payload.format_with(method) != "template":
        return
    if not text.strip():
        such = 'Write the JSON to send, such as {"contact": "${data.id}"}.'
        yield Problem(field, "empty", such)
    elif len(text) > templates.LONGEST_TEMPLATE:
        most = f"Use at most {templates.LONGEST_TEMPLATE} characters."
        yield Problem(field, "too_long", most)
    else:
        found = templates.flaws(text, short_names) or [
            *placeholders.unknown(templates.slots(text), short_names)
        ]
        yield from (as_problem(field, flaw) for flaw in found)


def _check_fields(fields: Sequence[str]) -> Iterator[Problem]:
    if len(fields) > MOST_FIELDS:
        text = f"Choose at most {MOST_FIELDS} fields."
        yield Problem("payload.fields", "too_many", text)
    for place, field in enumerate(fields):
        if not _FIELD.fullmatch(field) or len(field) > 300:
            text = (
                "Write a field's path in the data, such as first_name or address.city,"
                " with :name behind it to send it under another name."
            )
            yield Problem(f"payload.fields.{place}", "field", text)
    aliases = [alias for field in fields if (alias := read_field(field).alias)]
    if len(set(aliases)) < len(aliases):
        text = "Give each field another name."
        yield Problem("payload.fields", "twice", text)


def _check_include(include: Sequence[str], known: Collection[str]) -> Iterator[Problem]:
    for place, path in enumerate(include):
        if path not in known:
            near = get_close_matches(path, known, n=1)
            such = f"Did you mean {near[0]}?" if near else _there_is(known)
            text = f"No event type that it listens to leaves {path[:60]} out. {such}"
            yield Problem(f"payload.include.{place}", "unknown", text)


def _there_is(known: Collection[str]) -> str:
    listed = ", ".join(sorted(known)[:10])
    return f"There is: {listed}." if known else "There is nothing to include."


def _check_words(payload: Payload) -> Iterator[Problem]:
    if not _LANGUAGE.fullmatch(payload.language) or len(payload.language) > 35:
        text = "Write a language such as EN-US or fr."
        yield Problem("payload.language", "language", text)
    if payload.mode not in MODES:
        text = f"Choose one of {', '.join(MODES)}."
        yield Problem("payload.mode", "unknown", text)
    if payload.source and not _SOURCE.fullmatch(payload.source):
        text = "Write the source as a URI, such as https://shop.example/orders."
        yield Problem("payload.source", "source", text)
