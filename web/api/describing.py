"""What the framework cannot read from our handlers is added to the OpenAPI document:
the bodies and queries that they read by themselves, and the errors that we answer."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

import msgspec
from litestar import Request
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute

from web.api.examples import EXAMPLES

_REFERENCE = "#/components/schemas/{name}"
# The framework names a page of things after the module that these come from.
_PAGE_OF = re.compile(rb"Paged_[\w.]+\.(\w+)_")
_ERRORS = {
    "400": "The body cannot be read as JSON; the message says where it breaks off.",
    "401": "There is no API key, or it is not known here.",
    "403": "The scopes of the API key do not include this call.",
    "404": "The account of the API key has nothing of this id or name.",
    "409": "What is there already, or its state, is in the way.",
    "413": "The body is too large.",
    "422": "The values break the rules; `problems` names all of them.",
    "429": "There were too many test calls; wait for some minutes.",
    "503": "The database is away; try again after the seconds in `Retry-After`.",
}


class ProblemOut(msgspec.Struct):
    """`field`: with its path, as in `signing.header`; empty if it is none in
    particular. `position`: in a text, counted in characters from 1."""

    field: str
    code: str
    message: str
    position: int | msgspec.UnsetType = msgspec.UNSET


class FaultOut(msgspec.Struct):
    """`code` is for programs, `message` for people."""

    code: str
    message: str
    problems: list[ProblemOut]


class ErrorOut(msgspec.Struct):
    error: FaultOut


class Described(JsonRenderPlugin):
    """Answers with the OpenAPI document, completed."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.JSON)

    def render(
        self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]
    ) -> bytes:
        _add_bodies(request, openapi_schema)
        _add_queries(request, openapi_schema)
        _add_errors(openapi_schema)
        _sum_up(openapi_schema)
        return _PAGE_OF.sub(rb"PageOf\1", msgspec.json.encode(openapi_schema))


def _add_bodies(request: Request[Any, Any, Any], described: dict[str, Any]) -> None:
    for handler, operations in _handlers(request, described):
        shape, needed = handler.opt.get("takes"), handler.opt.get("body") != "optional"
        if shape is None:
            continue
        for method in map(str.lower, handler.http_methods):
            content = {"application/json": _content(shape, described)}
            body = {"required": needed, "content": content}
            operations[method]["requestBody"] = body
            if method == "patch":
                _drop_defaults(described["components"]["schemas"][shape.__name__])


def _add_queries(request: Request[Any, Any, Any], described: dict[str, Any]) -> None:
    for handler, operations in _handlers(request, described):
        if shape := handler.opt.get("asks"):
            fields = msgspec.json.schema_components([shape])[1][shape.__name__]
            operations["get"]["parameters"] = [
                {"name": name, "in": "query", "required": False, "schema": field}
                for name, field in fields["properties"].items()
            ]


def _handlers(
    request: Request[Any, Any, Any], described: dict[str, Any]
) -> Iterator[tuple[HTTPRouteHandler, dict[str, Any]]]:
    """Each with what is described at its address, by method."""
    for route in request.app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                yield handler, described["paths"].get(route.path_format, {})


def _content(shape: type, described: dict[str, Any]) -> dict[str, Any]:
    (reference,), parts = msgspec.json.schema_components(
        [shape], ref_template=_REFERENCE
    )
    for part in parts.values():
        if "description" in part:
            part["description"] = cleandoc(part["description"])
    if shape in EXAMPLES:  # where RapiDoc looks first
        parts[shape.__name__]["example"] = EXAMPLES[shape]
    described["components"].setdefault("schemas", {}).update(parts)
    return {"schema": reference}


def _drop_defaults(shape: dict[str, Any]) -> None:
    """A patch changes nothing that it leaves out."""
    for field in shape["properties"].values():
        field.pop("default", None)


def _add_errors(described: dict[str, Any]) -> None:
    """Instead of the framework's 400, which is not what we answer."""
    content = {"application/json": _content(ErrorOut, described)}
    described["components"]["responses"] = {
        status: {"description": text, "content": content}
        for status, text in _ERRORS.items()
    }
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if "security" in operation:
                operation["responses"].pop("400", None)
                for status in sorted(_errors_of(path, method, operation)):
                    reference = {"$ref": f"#/components/responses/{status}"}
                    operation["responses"][status] = reference


def _errors_of(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    names_one, takes = "{" in path, "requestBody" in operation
    asks = any(each["in"] == "query" for each in operation.get("parameters", ()))
    yield from ("401", "403", "503")
    if takes:
        yield from ("400", "413")
    if takes or asks:
        yield "422"
    if names_one:
        yield "404"
    if path.endswith("/test"):
        yield "429"
    if method == "post" or (names_one and method != "get"):
        yield "409"


def _sum_up(described: dict[str, Any]) -> None:
    """Programmers look for the call, not for the name of our function; and no "URL
    follows" upon a 201, as HTTP's own words for it say."""
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            call = f"{method.upper()} {path.removeprefix('/api/v1')}"
            operation["summary"] = call
            for status, answer in operation["responses"].items():
                known = HTTPStatus(int(status))
                if answer.get("description") == known.description:
                    answer["description"] = known.phrase
