"""A webhook's keys, and help for those who check its calls, as templates see them."""

from datetime import datetime
from typing import Any

from litestar.plugins.htmx import HTMXRequest
from litestar.response import Template

from callboard.signing import keys
from callboard.signing.schemes import Scheme
from callboard.webhooks.rotation import SigningKey, signing_keys
from callboard.webhooks.tables import Webhook
from web.pages import forms, snippets
from web.screens import screen

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


def made(
    request: HTMXRequest,
    row: Webhook,
    secret: str,
    now: datetime,
    *,
    replaces: bool = False,
) -> Template:
    """The page that shows a shared secret this once."""
    name = "webhooks/secret_once.html"
    return screen(
        request,
        name,
        name,
        webhook={"id": row.id, "name": row.name, "state": row.state},
        signing=signing(row, now),
        secret=secret,
        hint=keys.hint(Scheme(row.signing), secret),
        replaces=replaces,
    )


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
