"""TLS contexts that show a client certificate. Python loads keys from files only."""

import ssl
from pathlib import Path
from tempfile import TemporaryDirectory


def client_context(bundle: bytes, password: bytes) -> ssl.SSLContext:
    """Trusts whom every call trusts. Takes some 25 ms and 1 MB: make it once, aside.

    `bundle`: key and chain as PEM, the key locked. Raises ssl.SSLError.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(("http/1.1",))
    _load(context, bundle, password)
    return context


def refusal(bundle: bytes, password: bytes) -> str:
    """Why OpenSSL would not show this certificate; empty when it would."""
    try:
        _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), bundle, password)
    except ssl.SSLError:
        return "It is too weak, or of a kind that TLS does not know."
    return ""


def _load(context: ssl.SSLContext, bundle: bytes, password: bytes) -> None:
    with TemporaryDirectory() as folder:  # only this user may enter it
        path = Path(folder, "client.pem")
        path.write_bytes(bundle)
        context.load_cert_chain(path, password=password)
