"""Who we are to a receiver: the kinds of auth, and what each brings to a call.

A kind has at most one secret. All else about it may be shown to whoever may look.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

# Stands for a secret; where a caller sends it back, the secret stays as it is.
MASK = "••••"


class Kind(NamedTuple):
    secret: str = ""
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


KINDS = {
    "none": Kind(),
    "basic": Kind("password", ("username",)),
    "header": Kind("value", ("name",)),
    "bearer": Kind("token"),
    "oauth2": Kind(
        "client_secret",
        ("token_url", "client_id"),
        ("scope", "audience", "client_auth"),
    ),
    "mtls": Kind("private_key", ("certificate",)),
}
# How a client shows its secret to the token server (RFC 6749, 2.3.1).
CLIENT_AUTH = ("basic", "post")


@dataclass(frozen=True, slots=True)
class Auth:
    """`shown`: the fields that are no secret, without the empty ones.

    `secret` is None where it is not said: then it is as it was. `sealed` is the secret
    as it is kept; the plain one is never kept.
    """

    type: str = "none"
    shown: dict[str, str] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)
    sealed: str = field(default="", repr=False)

    @classmethod
    def of(cls, type: str, given: Mapping[str, str | None]) -> Self:
        """From fields by their names, as callers send them."""
        name = KINDS.get(type, Kind()).secret
        secret = given.get(name)
        shown = {key: text for key, text in given.items() if key != name and text}
        return cls(type, shown, None if secret == MASK else secret)

    @property
    def kind(self) -> Kind:
        return KINDS[self.type]

    def kept(self) -> dict[str, Any]:
        """For the database."""
        return {"type": self.type, "shown": self.shown, "sealed": self.sealed}

    def masked(self) -> dict[str, str]:
        """All fields by their names, the secret as MASK."""
        secret = {self.kind.secret: MASK} if self.kind.secret else {}
        return {"type": self.type, **self.shown, **secret}


def headers_of(auth: Auth) -> tuple[tuple[str, str], ...]:
    """What the kind adds to a call by itself, without asking anybody."""
    secret = auth.secret or ""
    match auth.type:
        case "basic":
            return (("Authorization", basic(auth.shown["username"], secret)),)
        case "header":
            return ((auth.shown["name"], secret),)
        case "bearer":
            return (("Authorization", bearer(secret)),)
    return ()


def header_name(auth: Auth) -> str:
    """The header that it sets on each call; empty where it sets none."""
    if auth.type in ("none", "mtls"):
        return ""
    return auth.shown.get("name", "") if auth.type == "header" else "Authorization"


def basic(user: str, password: str) -> str:
    """RFC 7617, in UTF-8."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def bearer(token: str) -> str:
    return f"Bearer {token}"
