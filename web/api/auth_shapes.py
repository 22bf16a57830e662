"""A webhook's auth as JSON: one object for all types, of which each has its fields."""

from datetime import datetime
from typing import Any, Literal, Self

import msgspec

from callboard.auth import certificates
from callboard.auth.settings import Auth

_Kind = Literal["none", "basic", "header", "bearer", "oauth2", "mtls"]


class AuthIn(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """basic: `username`, `password` · header: `name`, `value` · bearer: `token` ·
    oauth2: `token_url`, `client_id`, `client_secret`, `scope`?, `audience`?,
    `client_auth`? (basic or post) · mtls: `certificate`, `private_key` (PEM).

    Secrets are never read back: they are shown as ••••, and stay as they are when
    that, or nothing, is sent for them. Another type begins anew.
    """

    type: _Kind = "none"
    username: str = ""
    password: str | None = None
    name: str = ""
    value: str | None = None
    token: str | None = None
    token_url: str = ""
    client_id: str = ""
    client_secret: str | None = None
    scope: str = ""
    audience: str = ""
    client_auth: str = ""
    certificate: str = ""
    private_key: str | None = None

    def settings(self) -> Auth:
        given = {name: getattr(self, name) for name in self.__struct_fields__[1:]}
        return Auth.of(self.type, given)


class AuthOut(AuthIn, kw_only=True):
    """With what can be told of a certificate."""

    type: _Kind
    subject: str = ""
    issuer: str = ""
    expires_at: datetime | None = None

    @classmethod
    def of(cls, auth: Auth) -> Self:
        shown: dict[str, Any] = {**auth.masked()}
        if "certificate" in auth.shown:
            ours = certificates.describe(auth.shown["certificate"])
            shown |= {"subject": ours.subject, "issuer": ours.issuer}
            shown["expires_at"] = ours.ends_at
        return cls(**shown)
