"""The part of a webhook's form that says who we are to the receiver."""

from dataclasses import dataclass, fields
from typing import Self

from callboard.auth.settings import KINDS, Auth, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthForm:
    """The fields of every type: the page shows those of the chosen one.

    A secret that is left empty stays as it is.
    """

    auth_type: str = "none"
    auth_username: str = ""
    auth_password: str = ""
    auth_name: str = ""
    auth_value: str = ""
    auth_token: str = ""
    auth_token_url: str = ""
    auth_client_id: str = ""
    auth_client_secret: str = ""
    auth_client_auth: str = ""
    auth_scope: str = ""
    auth_audience: str = ""
    auth_certificate: str = ""
    auth_private_key: str = ""

    def to_auth(self) -> Auth:
        type = self.auth_type or "none"
        kind = KINDS.get(type, Kind())
        typed = {
            name: getattr(self, f"auth_{name}").strip()
            for name in (*kind.needs, *kind.takes)
        }
        secret = getattr(self, f"auth_{kind.secret}") if kind.secret else ""
        return Auth.of(type, typed | {kind.secret: secret or None})

    @classmethod
    def of(cls, auth: Auth) -> Self:
        known = {field.name for field in fields(cls)}
        shown = {f"auth_{name}": text for name, text in auth.shown.items()}
        return cls(
            auth_type=auth.type,
            **{name: text for name, text in shown.items() if name in known},
        )
