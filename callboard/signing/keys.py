"""A key of any scheme, as text: made, brought, opened."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from callboard.errors import Invalid, Problem, raise_all
from callboard.signing import private, public, secrets
from callboard.signing.bare import sign_hmac, sign_rsa
from callboard.signing.public import PublicKey
from callboard.signing.schemes import Scheme
from callboard.signing.standard import keyed, sign, sign_ed25519

# Of a call's id, timestamp and body: the signature as its header carries it.
Sign: TypeAlias = Callable[[str, int, bytes], str]


def generate(scheme: Scheme) -> str:
    """Call it in a thread for RSA."""
    if scheme.is_rsa:
        return private.generate_rsa()
    if scheme is Scheme.STANDARD_ED25519:
        return private.generate_ed25519()
    if scheme is Scheme.STANDARD:
        return secrets.generate()
    return secrets.generate_text()


def check(scheme: Scheme, brought: str) -> list[Problem]:
    """RSA keys are tested thoroughly, which takes 40 ms."""
    try:
        bring(scheme, brought)
    except Invalid as error:
        return list(error.problems)
    return []


def bring(scheme: Scheme, brought: str) -> str:
    """A key from elsewhere as it will be kept; `Invalid` if it is no good."""
    if scheme.is_rsa:
        return private.to_pem(private.read_rsa(brought))
    if scheme is Scheme.STANDARD_ED25519:
        return private.to_pem(private.read_ed25519(brought))
    standard = scheme is Scheme.STANDARD
    raise_all(secrets.check(brought) if standard else secrets.check_text(brought))
    return brought


def hint(scheme: Scheme, kept: str) -> str:
    """What its owner should know of a key that was brought; mostly nothing."""
    if scheme.shares_secret and scheme is not Scheme.STANDARD:
        return secrets.hint_text(kept)
    return ""


def open_key(scheme: Scheme, kept: str) -> Sign:
    match scheme:
        case Scheme.STANDARD:
            return partial(sign, keyed(secrets.parse(kept)))
        case Scheme.STANDARD_ED25519:
            return partial(sign_ed25519, private.open_ed25519(kept))
        case Scheme.RSA_SHA256:
            return _of_body(partial(sign_rsa, private.open_rsa(kept), "sha256"))
        case Scheme.RSA_SHA1:
            return _of_body(partial(sign_rsa, private.open_rsa(kept), "sha1"))
        case Scheme.HMAC_SHA512_HEX:
            return _of_body(partial(sign_hmac, kept.encode(), "sha512"))
        case Scheme.HMAC_SHA256_HEX:
            return _of_body(partial(sign_hmac, kept.encode(), "sha256"))
    raise ValueError("calls without a signature have no key")


def public_key(scheme: Scheme, kept: str) -> PublicKey | None:
    """None where sender and receiver share the secret."""
    if scheme.is_rsa:
        alg = "RS256" if scheme is Scheme.RSA_SHA256 else "RS1"
        return public.describe_rsa(private.open_rsa(kept).public_key(), alg)
    if scheme is Scheme.STANDARD_ED25519:
        return public.describe_ed25519(private.open_ed25519(kept).public_key())
    return None


def _of_body(sign_body: Callable[[bytes], str]) -> Sign:
    return lambda _id, _timestamp, body: sign_body(body)
