"""Which signature a webhook may have. Each message says what to do."""

import re

from callboard.auth.settings import header_name
from callboard.errors import Problem
from callboard.signing import keys
from callboard.signing.keyring import NEXT
from callboard.signing.schemes import Scheme
from callboard.webhooks.headers import check_header_name
from callboard.webhooks.settings import NewWebhook

LONGEST_HEADER = 80

_PLAIN = re.compile(r"[A-Za-z0-9_.-]*")  # so that it can stand in any code


def check_signing(new: NewWebhook) -> list[Problem]:
    if new.signing not in [*Scheme]:
        text = f"Choose one of {', '.join(Scheme)}."
        return [Problem("signing.scheme", "unknown", text)]
    scheme = Scheme(new.signing)
    return [*_wrong_header(scheme, new), *_wrong_secret(scheme, new.secret)]


def check_rotation(new: NewWebhook, signing: str | None) -> list[Problem]:
    """`signing`: the scheme that it has a key for already."""
    if new.secret is None or new.signing != signing:
        return []
    text = "Rotate the keys to bring a new secret for the same scheme."
    return [Problem("signing.secret", "rotate", text)]


def _wrong_header(scheme: Scheme, new: NewWebhook) -> list[Problem]:
    field, header = "signing.header", new.signature_header or scheme.usual_header
    if header != scheme.usual_header and not scheme.names_header:
        text = f"Leave the header out: {scheme} has none to name."
        return [Problem(field, "unused", text)]
    if len(header) > LONGEST_HEADER:
        text = f"Use at most {LONGEST_HEADER} characters."
        return [Problem(field, "too_long", text)]
    if scheme.names_header and (problems := check_header_name(header, field)):
        return problems
    if not _PLAIN.fullmatch(header):
        text = "Use letters, digits, -, _ and . only."
        return [Problem(field, "header_name", text)]
    own = {name.lower() for name in (*new.headers, header_name(new.auth))}
    if header and own & {header.lower(), (header + NEXT).lower()}:
        text = "A header of its own, or its auth, has this name: give it another."
        return [Problem(field, "taken", text)]
    return []


def _wrong_secret(scheme: Scheme, secret: str | None) -> list[Problem]:
    if secret is None:
        return []
    if scheme is Scheme.NONE:
        text = "Leave the secret out: nothing is signed with it."
        return [Problem("signing.secret", "unused", text)]
    return keys.check(scheme, secret)
