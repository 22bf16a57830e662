"""The call that a delivery makes, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One request exactly as it goes out; nothing is added but Host and the length."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout: float
