"""How each scheme writes its signature, and what to say of one that is written so not.

Returned is a sentence, or "" for what can be read.
"""

import re
from binascii import Error, a2b_base64

from callboard.signing.schemes import Scheme

_BYTES = {
    Scheme.STANDARD: 32,
    Scheme.STANDARD_ED25519: 64,
    Scheme.HMAC_SHA256_HEX: 32,
    Scheme.HMAC_SHA512_HEX: 64,
}
_HEX = re.compile(r"[0-9a-fA-F]*")


def wrong_encoding(scheme: Scheme, value: str) -> str:
    if scheme.is_standard:
        return _wrong_standard(scheme, value)
    return _wrong_base64(value) if scheme.is_rsa else _wrong_hex(scheme, value)


def _wrong_standard(scheme: Scheme, value: str) -> str:
    version = "v1" if scheme is Scheme.STANDARD else "v1a"
    parts = [part.partition(",") for part in value.split(" ")]
    found = [signature for name, _, signature in parts if name == version]
    if not found:
        return (
            f"No signature begins with {version}, and a comma."
            " Hand the header over as it came, with its version."
        )
    wrong = [_wrong_base64(each, _BYTES[scheme]) for each in found]
    return "" if "" in wrong else wrong[0]


def _wrong_base64(text: str, size: int | None = None) -> str:
    if len(text) >= 64 and _HEX.fullmatch(text) and len(text) % 2 == 0:
        return "The signature is written in hex; it is sent in Base64."
    if set(text) & {"-", "_"}:
        return "The signature has - or _: it is sent in Base64 with + and /."
    try:
        signature = a2b_base64(text, strict_mode=True)
    except (Error, ValueError):
        return "The signature is no Base64, or was cut short."
    if size is not None and len(signature) != size:
        return f"The signature has {len(signature)} bytes instead of {size}."
    return ""


def _wrong_hex(scheme: Scheme, text: str) -> str:
    digits = 2 * _BYTES[scheme]
    if not _HEX.fullmatch(text):
        return f"The signature is not written in hex; it is sent as {digits} digits."
    if len(text) != digits:
        return f"The signature has {len(text)} hex digits instead of {digits}."
    if text != text.lower():
        return "The signature has capitals; it is sent in small letters."
    return ""
