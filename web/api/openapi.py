"""The API described: OpenAPI at /api/schema, a page for people at /api/docs."""

from litestar import get
from litestar.enums import MediaType
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Response

import callboard
from web.api.describing import Described
from web.security import SECURITY_HEADERS

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


@get("/api/docs", media_type=MediaType.HTML, include_in_schema=False)
async def docs() -> Response[str]:
    headers = dict(SECURITY_HEADERS)
    headers["Content-Security-Policy"] += _STYLES
    return Response(_PAGE, headers=headers)


CONFIG = OpenAPIConfig(
    title="Callboard",
    version=callboard.__version__,
    description="Send your API key as `Authorization: Bearer <key>`. Times are"
    " RFC 3339 in UTC. Every error has the shape `ErrorOut` and names all problems at"
    " once.",
    path="/api/schema",
    render_plugins=[Described()],
    components=Components(
        security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}
    ),
    use_handler_docstrings=True,
)
