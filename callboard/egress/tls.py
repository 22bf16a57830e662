"""TLS contexts: whom calls trust, and the client certificates that they show."""

import ssl
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory


@cache
def context() -> ssl.SSLContext:
    """Trusts the system's authorities; at least TLS 1.2, also where the system would
    take less."""
    return _trusting()


def client_context(bundle: bytes, password: bytes) -> ssl.SSLContext:
    """Trusts the same. Takes some 25 ms and 1 MB: make it once, aside.

    `bundle`: key and chain as PEM, the key locked. Raises ssl.SSLError.
    """
    made = _trusting()
    _load(made, bundle, password)
    return made


def refusal(bundle: bytes, password: bytes) -> str:
    """Why OpenSSL would not show this certificate; empty when it would."""
    try:
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), bundle, password)
    except ssl.SSLError:
        return "It is too weak, or of a kind that TLS does not know."
    return ""


def _trusting() -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.minimum_version = max(made.minimum_version, ssl.TLSVersion.TLSv1_2)
    made.set_alpn_protocols(("http/1.1",))
    return made


def _load(context: ssl.SSLContext, bundle: bytes, password: bytes) -> None:
    """Python loads keys from files only."""
    with TemporaryDirectory() as folder:  # which only this user may enter
        path = Path(folder, "client.pem")
        path.write_bytes(bundle)
        context.load_cert_chain(path, password=password)
