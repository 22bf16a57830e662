# verify_webhook(headers, body) says whether a call is genuine. Give it the body as
# bytes, as it came in: request.get_data() in Flask, await request.body() in FastAPI.
# Python itself has no Ed25519: pip install cryptography
import base64
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY = Ed25519PublicKey.from_public_bytes(base64.b64decode("{{ raw }}"))


def verify_webhook(headers, body: bytes) -> bool:
    headers = {name.lower(): value for name, value in headers.items()}
    id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
        return False  # too old, or from the future: it may be a call sent again
    signed = f"{id}.{timestamp}.".encode() + body
    # While keys change there are several, with spaces between; one has to fit.
    for each in headers.get("webhook-signature", "").split(" "):
        version, _, signature = each.partition(",")
        try:
            if version == "v1a":
                KEY.verify(base64.b64decode(signature), signed)
                return True
        except (ValueError, InvalidSignature):
            continue
    return False
