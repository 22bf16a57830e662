# verify_webhook(headers, body) says whether a call is genuine. Give it the body as
# bytes, as it came in: request.get_data() in Flask, await request.body() in FastAPI.
# Python itself has no RSA: pip install cryptography
import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import {{ hash | upper }}
from cryptography.hazmat.primitives.serialization import load_pem_public_key

KEY = load_pem_public_key(b"""
{{ pem }}
""")


def verify_webhook(headers, body: bytes) -> bool:
    headers = {name.lower(): value for name, value in headers.items()}
    # While keys change, the new one signs in the second header.
    for name in ("{{ header | lower }}", "{{ header | lower }}-next"):
        try:
            signature = base64.b64decode(headers.get(name, ""))
            KEY.verify(signature, body, PKCS1v15(), {{ hash | upper }}())
            return True
        except (ValueError, InvalidSignature):
            continue
    return False
