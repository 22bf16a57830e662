"""Why a call that somebody received does, or does not, prove where it comes from.

All schemes give the same signature for the same bytes, so checking is signing again.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callboard.signing.encodings import wrong_encoding
from callboard.signing.keyring import NEXT, Key, Keyring
from callboard.signing.variants import variants

TOLERANCE = 300  # seconds; the libraries of Standard Webhooks take as many
_STANDARD = ("webhook-id", "webhook-timestamp")

Headers = Sequence[tuple[str, str]]


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """`name`: headers, time, encoding or signature."""

    name: str
    verdict: Verdict
    text: str


def examine(
    keyring: Keyring, headers: Headers, body: bytes, now: datetime
) -> list[Step]:
    """What a receiver does, step by step; the first that fails is what to mend."""
    call = _Call(keyring, headers, body, now)
    there = call.headers_are_there()
    if there.verdict is Verdict.FAILED:
        return [there, *map(_skipped, ("time", "encoding", "signature"))]
    near, readable = call.time_is_near(), call.signature_can_be_read()
    if readable.verdict is Verdict.FAILED:
        return [there, near, readable, _skipped("signature")]
    return [there, near, readable, call.signature_fits()]


def passes(steps: Iterable[Step]) -> bool:
    return all(step.verdict is not Verdict.FAILED for step in steps)


def conclusion(steps: Iterable[Step]) -> str:
    """In a sentence; who only called late is told so."""
    verdicts = {step.name: step.verdict for step in steps}
    failed = {name for name, each in verdicts.items() if each is Verdict.FAILED}
    if not failed:
        return "This call passes: it came from here and was not changed."
    if failed == {"time"} and verdicts["signature"] is Verdict.PASSED:
        return "The signature is right, but the time is not: receivers refuse it."
    return "This call does not pass."


def parse_headers(text: str) -> list[tuple[str, str]]:
    """`Name: value` lines as they are pasted, also out of `curl -v`."""
    pairs = []
    for line in text.splitlines():
        name, colon, value = line.lstrip("<> \t").partition(":")
        if colon:
            pairs.append((name.strip(), value.strip()))
    return pairs


class _Call:
    def __init__(
        self, keyring: Keyring, headers: Headers, body: bytes, now: datetime
    ) -> None:
        self.scheme = keyring.scheme
        self.header = keyring.header
        self.keys = keyring.keys
        self.body = body
        self.now = now
        self.names = [name.lower() for name, _ in headers]
        self.values = {name.lower(): value for name, value in headers}

    def headers_are_there(self) -> Step:
        wanted = [*(_STANDARD if self.scheme.is_standard else ()), self.header]
        missing = [name for name in wanted if not self.values.get(name.lower())]
        if missing:
            return _failed("headers", f"{_listed(missing)} missing.{self._others()}")
        twice = [name for name in wanted if self.names.count(name.lower()) > 1]
        if twice:
            text = f"{_listed(twice)} there more than once. We send each once."
            return _failed("headers", text)
        return _passed("headers", f"{_listed(wanted)} there.")

    def time_is_near(self) -> Step:
        if not self.scheme.is_standard:
            text = "This scheme signs no time: an old call cannot be told from a new."
            return Step("time", Verdict.SKIPPED, text)
        text = self.values["webhook-timestamp"]
        if not (text.isascii() and text.isdigit() and len(text) < 12):
            text = "webhook-timestamp is no number of whole seconds since 1970."
            return _failed("time", text)
        age = self.now.timestamp() - int(text)
        if abs(age) <= TOLERANCE:
            return _passed("time", "It was signed within the last five minutes.")
        when = f"{_span(abs(age))} {'ago' if age > 0 else 'in the future'}"
        text = f"It was signed {when}. Receivers refuse more than five minutes."
        return _failed("time", text)

    def signature_can_be_read(self) -> Step:
        problem = wrong_encoding(self.scheme, self.values[self.header.lower()])
        if problem:
            return _failed("encoding", problem)
        return _passed("encoding", "The signature is written as it should be.")

    def signature_fits(self) -> Step:
        key = self._fitting_key(self.body)
        if key is None:
            return _failed("signature", self._why_not())
        if key.until is not None and key.until <= self.now:
            ended = f"{key.until:%d %b %Y, %H:%M} UTC"
            text = f"It was made with an older key, which signs no longer since {ended}"
            return _failed("signature", f"{text}.")
        which = "key in use" if key.until is None else "older key"
        return _passed("signature", f"It was made with the {which}, of these bytes.")

    def _fitting_key(self, body: bytes) -> Key | None:
        id = self.values.get("webhook-id", "")
        text = self.values.get("webhook-timestamp", "")
        timestamp = int(text) if text.isascii() and text.isdigit() else 0
        given = list(self._given())
        for key in self.keys:
            wanted = key.sign(id, timestamp, body).encode()
            if any(hmac.compare_digest(wanted, each) for each in given):
                return key
        return None

    def _given(self) -> Iterator[bytes]:
        for name in (self.header, self.header + NEXT):
            value = self.values.get(name.lower(), "")
            parts = value.split(" ") if self.scheme.is_standard else [value]
            yield from (part.encode(errors="replace") for part in parts if part)

    def _why_not(self) -> str:
        for other, what in variants(self.body):
            if self._fitting_key(other):
                return (
                    f"The body was changed on its way here: {what}."
                    " Check the bytes as they came in, before anything reads them."
                )
        changed = "the body, the id or the time" if self.scheme.is_standard else "it"
        return (
            f"No key of this webhook gives this signature: {changed} was changed, or"
            " it was made with another key. Look at the request of the delivery: its"
            " body, byte for byte, is what was signed."
        )

    def _others(self) -> str:
        others = [name for name in self.names if "signature" in name]
        return f" There is {', '.join(others)}: is it this webhook's?" if others else ""


def _passed(name: str, text: str) -> Step:
    return Step(name, Verdict.PASSED, text)


def _failed(name: str, text: str) -> Step:
    return Step(name, Verdict.FAILED, text)


def _skipped(name: str) -> Step:
    return Step(name, Verdict.SKIPPED, "Not looked at.")


def _listed(names: list[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    *most, last = names
    return f"{', '.join(most)}{' and ' if most else ''}{last} {verb}"


def _span(seconds: float) -> str:
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {word}"
    return f"{seconds:.0f} seconds"
