# verify_webhook(headers, body) says whether a call is genuine. Give it the body as
# bytes, as it came in: request.get_data() in Flask, await request.body() in FastAPI.
import hmac
import os


def verify_webhook(headers, body: bytes) -> bool:
    headers = {name.lower(): value for name, value in headers.items()}
    secret = os.environ["WEBHOOK_SECRET"].encode()
    expected = hmac.digest(secret, body, "{{ hash }}").hex().encode()
    # While keys change, the new one signs in the second header.
    names = ("{{ header | lower }}", "{{ header | lower }}-next")
    given = [headers.get(name, "").encode() for name in names]
    return any(hmac.compare_digest(expected, each) for each in given)
