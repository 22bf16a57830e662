# verify_webhook(headers, body) says whether a call is genuine. Give it the body as
# bytes, as it came in: request.get_data() in Flask, await request.body() in FastAPI.
import base64
import hashlib
import hmac
import os
import time


def verify_webhook(headers, body: bytes) -> bool:
    headers = {name.lower(): value for name, value in headers.items()}
    id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
        return False  # too old, or from the future: it may be a call sent again
    secret = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
    signed = f"{id}.{timestamp}.".encode() + body
    digest = hmac.digest(secret, signed, hashlib.sha256)
    expected = b"v1," + base64.b64encode(digest)
    # While keys change there are several, with spaces between; one has to fit.
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(expected, each) for each in given)
