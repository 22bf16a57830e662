"""What a webhook's auth may be. Each message says what to do, none holds a secret."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from callboard.auth import certificates
from callboard.auth.settings import CLIENT_AUTH, KINDS, Auth, header_name
from callboard.egress.tls import refusal
from callboard.errors import Problem
from callboard.webhooks.headers import wrong_header
from callboard.webhooks.settings import NewWebhook
from callboard.webhooks.urls import check_url

LONGEST_TEXT = 1024
LONGEST_SECRET = 8192

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_VISIBLE = re.compile(r"[!-~]+")
_PRINTABLE = re.compile(r"[ -~]*")


def check(
    new: NewWebhook, allow_http: bool, now: datetime
) -> tuple[Auth, list[Problem]]:
    """As it will be kept, and every problem with it.

    What is still sealed was judged when it was brought; a certificate may have ended
    since, and still nobody has to bring a new one to change the webhook's name.
    """
    auth = new.auth
    if auth.type not in KINDS:
        text = f"Choose one of {', '.join(KINDS)}."
        return auth, [Problem("auth.type", "unknown", text)]
    problems = [*_beside(new), *_foreign(auth), *_missing(auth)]
    if auth.sealed or auth.type == "none":
        return auth, problems
    told = {problem.field for problem in problems}
    auth, unfit = _judged(auth, allow_http, now)
    return auth, problems + [each for each in unfit if each.field not in told]


def _beside(new: NewWebhook) -> Iterator[Problem]:
    """What does not go with the webhook's other settings."""
    ours = header_name(new.auth).lower()
    for name in new.headers:
        if name.lower() == ours:
            text = f"Leave {name} out of your own headers: auth sets it."
            yield Problem(f"headers.{name}", "auth", text)
    if new.auth.type == "mtls" and new.url.lower().startswith("http:"):
        text = "Begin the URL with https://: a certificate can be shown only there."
        yield Problem("auth.type", "https", text)


def _foreign(auth: Auth) -> Iterator[Problem]:
    for name in auth.shown.keys() - {*auth.kind.needs, *auth.kind.takes}:
        text = f"Leave {name} out: auth of the type {auth.type} has none."
        yield Problem(f"auth.{name}", "unknown", text)


def _missing(auth: Auth) -> Iterator[Problem]:
    for name in auth.kind.needs:
        if not auth.shown.get(name, "").strip():
            yield Problem(f"auth.{name}", "missing", f"Give {_WORDS[name]}.")
    name = auth.kind.secret
    nothing = auth.secret is None and not auth.sealed
    if name and (nothing or (auth.secret == "" and auth.type != "basic")):
        yield Problem(f"auth.{name}", "missing", f"Give {_WORDS[name]}.")


def _judged(auth: Auth, allow_http: bool, now: datetime) -> tuple[Auth, list[Problem]]:
    """Field by field; what is missing is judged as empty."""
    shown, secret = dict.fromkeys(auth.kind.needs, "") | auth.shown, auth.secret or ""
    if auth.type == "mtls":
        return auth, _unfit_certificate(shown["certificate"], secret, now)
    problems = [*_too_long(auth), *_RULES[auth.type](shown, secret)]
    if auth.type == "oauth2":
        url, wrong = _token_url(shown["token_url"], allow_http)
        auth = replace(auth, shown={**auth.shown, "token_url": url})
        problems = wrong + problems
    return auth, problems


def _too_long(auth: Auth) -> Iterator[Problem]:
    for name, text in {**auth.shown, auth.kind.secret: auth.secret or ""}.items():
        most = LONGEST_SECRET if name == auth.kind.secret else LONGEST_TEXT
        if len(text) > most and name != "token_url":
            yield Problem(f"auth.{name}", "too_long", f"Use at most {most} characters.")


def _token_url(url: str, allow_http: bool) -> tuple[str, list[Problem]]:
    """As it will be kept."""
    plain, wrong = check_url(url, allow_http)
    problems = [
        replace(each, field="auth.token_url", message=_of_token(each.message))
        for each in wrong
    ]
    if "${" in url:
        text = "Write the token URL without placeholders: it is the same for all calls."
        problems.append(Problem("auth.token_url", "placeholder", text))
    return plain or url, problems


def _of_token(message: str) -> str:
    return message.replace("the URL", "the token URL")


def _unfit_certificate(chain: str, key: str, now: datetime) -> list[Problem]:
    if problems := certificates.check(chain, key, now):
        return problems
    password = secrets.token_hex(32).encode()
    why = refusal(certificates.bundle(chain, key, password), password)
    text = f"This certificate cannot be shown in TLS: {why}"
    return [Problem("auth.certificate", "certificate", text)] if why else []


def _unfit_basic(shown: dict[str, str], password: str) -> Iterator[Problem]:
    if ":" in shown["username"]:
        text = "Use no colon in the user name: it would end there (RFC 7617)."
        yield Problem("auth.username", "characters", text)
    for name, text in (("username", shown["username"]), ("password", password)):
        if _CONTROLS.search(text):
            text = "Use no control characters or line ends."
            yield Problem(f"auth.{name}", "characters", text)


def _unfit_header(shown: dict[str, str], value: str) -> Iterator[Problem]:
    for code, text in wrong_header(shown["name"], value):
        field = "auth.value" if code == "header_value" else "auth.name"
        yield Problem(field, code, text)


def _unfit_bearer(shown: dict[str, str], token: str) -> Iterator[Problem]:
    if token[:7].lower() == "bearer ":
        text = "Bring the token alone: the word Bearer is put before it."
        yield Problem("auth.token", "characters", text)
    elif not _VISIBLE.fullmatch(token):
        text = "A token is letters, digits and signs (ASCII) without spaces."
        yield Problem("auth.token", "characters", text)


def _unfit_oauth2(shown: dict[str, str], secret: str) -> Iterator[Problem]:
    texts = {**shown, "client_secret": secret}
    for name in ("client_id", "client_secret", "scope", "audience"):
        if not _PRINTABLE.fullmatch(texts.get(name, "")):
            text = "Use printable ASCII on one line."
            yield Problem(f"auth.{name}", "characters", text)
    if shown.get("client_auth", CLIENT_AUTH[0]) not in CLIENT_AUTH:
        text = f"Choose one of {', '.join(CLIENT_AUTH)}."
        yield Problem("auth.client_auth", "unknown", text)


_RULES = {
    "basic": _unfit_basic,
    "header": _unfit_header,
    "bearer": _unfit_bearer,
    "oauth2": _unfit_oauth2,
}
_WORDS = {
    "username": "the user name",
    "password": "the password",
    "name": "the header's name",
    "value": "the header's value",
    "token": "the token",
    "token_url": "the URL that gives tokens",
    "client_id": "the client id",
    "client_secret": "the client secret",
    "certificate": "the certificate",
    "private_key": "the certificate's private key",
}
