"""A webhook's keys, and help for those who check its calls, as templates see them."""

from datetime import datetime
from typing import Any

from litestar.plugins.htmx import HTMXRequest
from litestar.response import Response

from callboard.runtime import Runtime
from callboard.signing import keys
from callboard.signing.schemes import Scheme
from callboard.webhooks import rotation
from callboard.webhooks.rotation import SigningKey, signing_keys
from callboard.webhooks.tables import Webhook
from web import once
from web.pages import forms, snippets, webhook_views
from web.screens import elsewhere

View = dict[str, Any]


def signing(row: Webhook, now: datetime) -> View:
    scheme = Scheme(row.signing)
    return {
        "scheme": scheme.value,
        "header": row.signature_header or scheme.usual_header,
        "gathers": scheme.is_standard,
        "shares": scheme.shares_secret,
        "keys": [_key(each) for each in signing_keys(row, now)],
    }


def checking(row: Webhook, now: datetime, language: str) -> View:
    """For the tab that helps the receiver. `snippet`: None where nothing is signed."""
    scheme = Scheme(row.signing)
    signing = signing_keys(row, now)
    header = row.signature_header or scheme.usual_header
    public = signing[0].public if signing else None
    snippet = snippets.snippet(scheme, header, public, language) if signing else None
    return {
        "languages": snippets.LANGUAGES,
        "snippet": snippet,
        "steps": [],
        "pasted": {"headers": "", "body": ""},
    }


def show_new(request: HTMXRequest, id: str) -> Response[Any]:
    """Leads to the page that shows the newest secret once."""
    return elsewhere(request, _page(id), shown={"secrets": "new"})


def show_all(request: HTMXRequest, id: str) -> Response[Any]:
    return elsewhere(request, _page(id), shown={"secrets": "all"})


async def secret(request: HTMXRequest, row: Webhook, runtime: Runtime) -> View:
    """`secrets`: none unless somebody was led here, and then only once."""
    now, shown = runtime.clock(), once.read(request)
    secrets = rotation.opened(row, runtime.vault, now) if shown else []
    is_new = shown == {"secrets": "new"}
    return {
        "webhook": await webhook_views.headed(row),
        "signing": signing(row, now),
        "secrets": secrets[:1] if is_new else secrets,
        "is_new": is_new,
        "hint": keys.hint(Scheme(row.signing), secrets[0]) if secrets else "",
    }


def _page(id: str) -> str:
    return f"/webhooks/{id}/keys/secret"


def _key(key: SigningKey) -> View:
    public = key.public
    return {
        "header": key.header,
        "made_at": key.made_at,
        "until": key.until,
        "takes_over": key.takes_over,
        "public": public
        and {
            "pem": public.pem,
            "xml": public.xml,
            "jwk": forms.pretty(public.jwk),
            "whpk": public.whpk,
        },
    }
