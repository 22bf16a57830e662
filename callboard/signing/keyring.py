"""The keys of a webhook at work: which headers a call gets at a time.

Where a header takes several signatures, each key that is good signs in it. Where it
takes one, the key that is to go signs in it until its end, so that a receiver who has
not heard of the new one notices nothing; the new key signs beside it in a header of
its own, and takes over at that time.
"""

from dataclasses import dataclass
from datetime import datetime

from callboard.signing.keys import Sign
from callboard.signing.schemes import Scheme

NEXT = "-Next"


@dataclass(frozen=True, slots=True)
class Key:
    """`until`: it signs no longer; None for without end."""

    sign: Sign
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Keyring:
    """`keys`: the newest first."""

    scheme: Scheme
    header: str
    keys: tuple[Key, ...]

    def headers(
        self, webhook_id: str, timestamp: int, body: bytes, now: datetime
    ) -> list[tuple[str, str]]:
        """Empty without a key that is good now."""
        signatures = [
            key.sign(webhook_id, timestamp, body)
            for key in self.keys
            if key.until is None or key.until > now
        ]
        if len(signatures) < 2:  # nearly always
            return [(self.header, each) for each in signatures]
        if self.scheme.is_standard:
            return [(self.header, " ".join(signatures))]
        newest, *_, oldest = signatures
        return [(self.header, oldest), (self.header + NEXT, newest)]


UNSIGNED = Keyring(Scheme.NONE, "", ())
