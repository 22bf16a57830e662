"""Standard Webhooks (standardwebhooks.com): `v1` is HMAC-SHA256, `v1a` Ed25519."""

from binascii import b2a_base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC


def keyed(secret: bytes) -> HMAC:
    """To begin anew with the secret takes longer than to go on from a copy of this."""
    return HMAC(secret, SHA256())


def sign(keyed: HMAC, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One signature as it stands in `webhook-signature`, where spaces part several."""
    mac = keyed.copy()
    mac.update(_content(webhook_id, timestamp, body))
    return "v1," + b2a_base64(mac.finalize(), newline=False).decode()


def sign_ed25519(
    key: Ed25519PrivateKey, webhook_id: str, timestamp: int, body: bytes
) -> str:
    signature = key.sign(_content(webhook_id, timestamp, body))
    return "v1a," + b2a_base64(signature, newline=False).decode()


def _content(webhook_id: str, timestamp: int, body: bytes) -> bytes:
    return b"%b.%d.%b" % (webhook_id.encode(), timestamp, body)
