"""Code that checks a webhook's signature, filled with its header and public key.

One file for each kind of signature and language: templates/verify/<kind>.<language>.
"""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from callboard.signing.public import PublicKey
from callboard.signing.schemes import Scheme

_TEMPLATES = Path(__file__).parent.parent.parent / "templates" / "verify"

LANGUAGES = {
    "cs": "C#",
    "php": "PHP",
    "py": "Python",
    "js": "JavaScript",
    "java": "Java",
    "go": "Go",
    "rb": "Ruby",
    "sh": "Shell",
}
_KINDS = {
    Scheme.STANDARD: ("standard", "sha256"),
    Scheme.STANDARD_ED25519: ("ed25519", ""),
    Scheme.RSA_SHA256: ("rsa", "sha256"),
    Scheme.RSA_SHA1: ("rsa", "sha1"),
    Scheme.HMAC_SHA512_HEX: ("hex", "sha512"),
    Scheme.HMAC_SHA256_HEX: ("hex", "sha256"),
}

_ED25519_IN_CS = (
    "As .NET has no Ed25519 of its own, the code brings it. With many calls a second,"
    " take a library instead, such as NSec.Cryptography (.NET 8 or newer) or"
    " BouncyCastle.Cryptography: they are many times quicker."
)

_code = Environment(  # noqa: S701  code is no HTML; the page around it escapes it
    loader=FileSystemLoader(_TEMPLATES),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """`notes`: what to know before one relies on it."""

    language: str
    code: str
    notes: tuple[str, ...]


def snippet(
    scheme: Scheme, header: str, public: PublicKey | None, language: str
) -> Snippet:
    """`public`: of the newest key. `language`: one of LANGUAGES, else the first."""
    language = language if language in LANGUAGES else next(iter(LANGUAGES))
    kind, hash = _KINDS[scheme]
    values = {"header": header, "hash": hash} | (_forms(public) if public else {})
    code = _code.get_template(f"{kind}.{language}").render(values)
    return Snippet(language, code, tuple(_notes(scheme, language)))


def _forms(public: PublicKey) -> dict[str, str]:
    """The key as code writes it: `base64` of its DER form, `raw` of its 32 bytes."""
    pem = public.pem.strip()
    return {
        "pem": pem,
        "base64": "\n".join(pem.splitlines()[1:-1]),
        "xml": public.xml or "",
        "raw": (public.whpk or "").removeprefix("whpk_"),
    }


def _notes(scheme: Scheme, language: str) -> list[str]:
    notes = []
    if scheme.shares_secret:
        notes.append("It reads the secret from the environment: WEBHOOK_SECRET.")
    if scheme is Scheme.STANDARD_ED25519 and language == "cs":
        notes.append(_ED25519_IN_CS)
    if language == "py" and not scheme.shares_secret:
        notes.append("Python itself cannot do this: it needs the package cryptography.")
    if scheme is Scheme.RSA_SHA1:
        notes.append("SHA-1 is for receivers that cannot do better: prefer SHA-256.")
    return notes
