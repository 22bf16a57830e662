"""Standard Webhooks, symmetric scheme `v1` (standardwebhooks.com): HMAC-SHA256."""

import hmac
from binascii import b2a_base64
from collections.abc import Sequence


def sign(secrets: Sequence[bytes], webhook_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature per secret, the newest first.

    Several secrets are for a rotation: a receiver is content with any one of them.
    """
    content = b"%b.%d.%b" % (webhook_id.encode(), timestamp, body)
    return " ".join([_signature(secret, content) for secret in secrets])


def verify(
    secrets: Sequence[bytes], header: str, webhook_id: str, timestamp: int, body: bytes
) -> bool:
    """Does any signature in the header fit? How old `timestamp` is: not judged here."""
    given = [part.encode(errors="replace") for part in header.split(" ")]
    wanted = sign(secrets, webhook_id, timestamp, body).encode().split()
    return any(hmac.compare_digest(a, b) for a in given for b in wanted)


def _signature(secret: bytes, content: bytes) -> str:
    digest = hmac.digest(secret, content, "sha256")
    return "v1," + b2a_base64(digest, newline=False).decode()
