"""OAuth 2.0 client credentials (RFC 6749, 4.4): the question, and reading the answer.

What the token server answers is hostile, as a receiver's answer is.
"""

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import quote_plus, urlencode

import msgspec

from callboard.auth.settings import Auth, basic

LONGEST_LIFE = 24 * 3600.0
_USUAL_LIFE = 300.0  # where the server does not say
_MARGIN = 30.0  # a token is not used for so long before its end

_TOKEN = re.compile(r"[!-~]{1,8192}").fullmatch
_ERRORS = (  # RFC 6749, 5.2
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is asked for with."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    audience: str = ""
    client_auth: str = "basic"

    @classmethod
    def of(cls, auth: Auth) -> Self:
        return cls(**auth.shown, client_secret=auth.secret or "")


@dataclass(frozen=True, slots=True)
class Token:
    """`life`: the seconds for which it may be used from when it was asked for."""

    text: str = field(repr=False)
    life: float


class NoToken(Exception):
    """Why there is none: one sentence for people, never the server's own words."""


class _Answer(msgspec.Struct):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - this is no password
    expires_in: float | str | None = None


class _Refusal(msgspec.Struct):
    error: str


def question(grant: Grant) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """The headers and the body of the request to the token server."""
    wanted = {"grant_type": "client_credentials"}
    wanted |= {"scope": grant.scope} if grant.scope else {}
    wanted |= {"audience": grant.audience} if grant.audience else {}
    headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
    ]
    if grant.client_auth == "post":
        wanted |= {"client_id": grant.client_id, "client_secret": grant.client_secret}
    else:
        # Form-encoded before base64: the RFC's own addition to Basic.
        user, secret = quote_plus(grant.client_id), quote_plus(grant.client_secret)
        headers.append(("Authorization", basic(user, secret)))
    return tuple(headers), urlencode(wanted).encode()


def read_token(status: int, body: bytes) -> Token:
    """Raises NoToken."""
    if 300 <= status < 400:
        raise NoToken(
            f"The token server answered {status}; redirects are not followed."
        )
    if status != 200:
        raise NoToken(f"The token server answered {status}{_reason(body)}.")
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.ValidationError:
        raise NoToken("The token server's answer holds no access token.") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise NoToken("The token server's answer is not JSON.") from None
    if answer.token_type.lower() != "bearer":
        raise NoToken("The token server gave a token of another type than Bearer.")
    if not _TOKEN(answer.access_token):
        raise NoToken("The token server gave a token that cannot be sent.")
    return Token(answer.access_token, _life(answer.expires_in))


def _reason(body: bytes) -> str:
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return ""
    return f" ({error})" if error in _ERRORS else ""


def _life(expires_in: float | str | None) -> float:
    """Some servers write the number as text."""
    try:
        seconds = _USUAL_LIFE if expires_in is None else float(expires_in)
    except ValueError:
        seconds = _USUAL_LIFE
    if seconds > 0:
        return min(seconds, LONGEST_LIFE) - min(_MARGIN, seconds / 10)
    return 0.0  # for NaN, too
