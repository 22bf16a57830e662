"""A webhook's signature and its keys as JSON."""

from datetime import datetime
from typing import Any, Self

import msgspec

from callboard.signing.examine import Step, passes
from callboard.signing.public import PublicKey
from callboard.signing.schemes import Scheme
from callboard.webhooks.rotation import SigningKey, signing_keys
from callboard.webhooks.tables import Webhook


class SigningIn(msgspec.Struct, forbid_unknown_fields=True):
    """`header`: the name that it gets, where the scheme leaves that open.

    `secret`: your own, or one is made. For `standard`: whsec_ and base64 of 24 to 64
    bytes; for the hex schemes any text, used as it is; for the others a private key
    as PEM.
    """

    scheme: Scheme = Scheme.STANDARD
    header: str | None = None
    secret: str | None = None

    def settings(self) -> dict[str, Any]:
        """By the domain's names."""
        return {
            "signing": self.scheme.value,
            "signature_header": self.header or "",
            "secret": self.secret,
        }


class SigningOut(msgspec.Struct):
    scheme: Scheme
    header: str | None


class RotateIn(msgspec.Struct, forbid_unknown_fields=True):
    """For how long the old key signs beside the new one. `secret`: see `signing`."""

    overlap_hours: float = 24
    secret: str | None = None


class KeyOut(msgspec.Struct):
    """`header`: where it signs now. `until`: it signs no longer; null for without end.

    `takes_over`: from when on it signs in the webhook's usual header, where that has
    room for one signature and the old key's time is not over.
    `public`: null where the receiver shares the secret.
    """

    header: str
    made_at: datetime | None
    until: datetime | None
    takes_over: datetime | None
    public: PublicKey | None

    @classmethod
    def of(cls, key: SigningKey) -> Self:
        return msgspec.convert(key, cls, from_attributes=True)


class RotatedOut(msgspec.Struct):
    """`secret` is shown this once; null where `public` of the key is what you need."""

    secret: str | None
    old_until: datetime
    key: KeyOut


class KeysOut(msgspec.Struct):
    """Those that sign, the newest first."""

    scheme: Scheme
    header: str | None
    keys: list[KeyOut]

    @classmethod
    def of(cls, row: Webhook, now: datetime) -> Self:
        shown = signing_of(row)
        return cls(shown.scheme, shown.header, keys_of(row, now))


class SecretsOut(msgspec.Struct):
    """Those that sign, the newest first."""

    secrets: list[str]


class VerifyIn(msgspec.Struct, forbid_unknown_fields=True):
    """A call as the receiver has it."""

    headers: dict[str, str]
    body: str


class StepOut(msgspec.Struct):
    """`verdict`: passed, failed or skipped."""

    name: str
    verdict: str
    text: str


class VerifiedOut(msgspec.Struct):
    passes: bool
    steps: list[StepOut]

    @classmethod
    def of(cls, steps: list[Step]) -> Self:
        shown = [StepOut(each.name, each.verdict, each.text) for each in steps]
        return cls(passes(steps), shown)


def signing_of(row: Webhook) -> SigningOut:
    scheme = Scheme(row.signing)
    header = row.signature_header or scheme.usual_header
    return SigningOut(scheme, header or None)


def keys_of(row: Webhook, now: datetime) -> list[KeyOut]:
    return [KeyOut.of(key) for key in signing_keys(row, now)]
