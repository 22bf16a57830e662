"""The API described: OpenAPI at /api/schema, a page for people at /api/docs."""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.enums import MediaType
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Response

import callboard
from web.security import SECURITY_HEADERS

_REFERENCE = "#/components/schemas/{name}"
_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Callboard API</title>
  <link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
  <script src="/static/vendor/rapidoc-9.3.8.min.js" defer></script>
</head>
<body>
  <rapi-doc spec-url="/api/schema" load-fonts="false" show-header="false"
    render-style="read" primary-color="#2b5fd0"
    nav-bg-color="#f4f5f7" nav-text-color="#333" nav-hover-text-color="#000"
    allow-server-selection="false" allow-spec-url-load="false"
    allow-spec-file-load="false" regular-font="system-ui, sans-serif"
    mono-font="ui-monospace, monospace"></rapi-doc>
</body>
</html>
"""
# The page's component brings its styles inside itself.
_STYLES = "; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class WithBodies(JsonRenderPlugin):
    """Adds the request bodies that handlers read by themselves."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.JSON)

    def render(
        self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]
    ) -> bytes:
        _add_bodies(request, openapi_schema)
        _sum_up(openapi_schema)
        return msgspec.json.encode(openapi_schema)


def _add_bodies(request: Request[Any, Any, Any], described: dict[str, Any]) -> None:
    for route in request.app.routes:
        for handler in getattr(route, "route_handlers", ()):
            shape = handler.opt.get("takes")
            operations = described["paths"].get(route.path_format, {})
            for method in map(str.lower, handler.http_methods) if shape else ():
                operations[method]["requestBody"] = _body(shape, described)


def _body(shape: type, described: dict[str, Any]) -> dict[str, Any]:
    (reference,), parts = msgspec.json.schema_components(
        [shape], ref_template=_REFERENCE
    )
    described["components"].setdefault("schemas", {}).update(parts)
    return {"required": True, "content": {"application/json": {"schema": reference}}}


def _sum_up(described: dict[str, Any]) -> None:
    """Programmers look for the call, not for the name of our function."""
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            call = f"{method.upper()} {path.removeprefix('/api/v1')}"
            operation["summary"] = call


@get("/api/docs", media_type=MediaType.HTML, include_in_schema=False)
async def docs() -> Response[str]:
    headers = dict(SECURITY_HEADERS)
    headers["Content-Security-Policy"] += _STYLES
    return Response(_PAGE, headers=headers)


CONFIG = OpenAPIConfig(
    title="Callboard",
    version=callboard.__version__,
    description="Send your API key as `Authorization: Bearer <key>`. Errors look so:"
    ' `{"error": {"code", "message", "problems": [{"field", "code", "message"}]}}`;'
    " a problem inside a text has its `position`, counted in characters from 1.",
    path="/api/schema",
    render_plugins=[WithBodies()],
    components=Components(
        security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}
    ),
    use_handler_docstrings=True,
)
