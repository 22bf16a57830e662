"""Receivers whose TLS is what none should be, and what is told of each."""

import asyncio
import os
from dataclasses import dataclass
from typing import Any

from callboard.outcome import ErrorClass
from tests.hostile import (
    LENGTH,
    OK,
    PROTOCOL,
    RESET,
    TIMEOUT,
    answering,
    repeating,
    reset,
    silence,
    take,
)
from tests.make import later

TLS = ErrorClass.TLS


@dataclass(frozen=True)
class Odd:
    """`wishes`: for its certificate, which is by a trusted authority unless that is
    None; without any it begins no handshake."""

    behave: Any
    error: ErrorClass | None
    words: str = ""
    wishes: dict[str, Any] | None = None


def greeted(*parts, then="close", pause=0.0):
    """Hears what begins a handshake, then writes the parts as they are."""

    async def behave(reader, writer):
        await reader.read(1)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if then == "reset":
            await reset(writer)
        writer.close()
        await writer.wait_closed()

    return behave


async def beneath(reader, writer):
    """Writes what is not encrypted in the middle of what is."""
    await take(reader)
    os.write(writer.get_extra_info("socket").fileno(), OK + LENGTH % 2 + b"ok")
    await reader.read()


GOOD = answering(OK + LENGTH % 2, b"ok")
NONSENSE = bytes(range(256)) * 4
RECORD = b"\x16\x03\x03\x40\x00"
NO_HANDSHAKE = {
    "stalls": Odd(silence, TIMEOUT, "in time"),
    "bit by bit": Odd(greeted(RECORD, *[b"\2"] * 200, pause=0.02), TIMEOUT, "in time"),
    "endless": Odd(greeted(*[RECORD + b"\2" * 16_384] * 99), TLS, "handshake failed"),
    "nonsense": Odd(greeted(NONSENSE), TLS),
    "plain text": Odd(
        greeted(b"HTTP/1.1 400 B\r\n" + LENGTH % 0), TLS, "does not speak TLS"
    ),
    "an alert": Odd(greeted(b"\x15\x03\x03\0\2\2\x28"), TLS, "handshake failed"),
    "closes": Odd(greeted(), RESET),
    "resets": Odd(greeted(then="reset"), RESET),
}
BAD_CERTIFICATE = {
    "self-signed": Odd(GOOD, TLS, "self-signed", {"issuer": None}),
    "expired": Odd(
        GOOD, TLS, "has expired", {"begins": later(days=-3), "ends": later(days=-1)}
    ),
    "not yet valid": Odd(GOOD, TLS, "not valid yet", {"begins": later(days=1)}),
    "wrong address": Odd(GOOD, TLS, "another address", {"address": "127.0.0.2"}),
}
AFTERWARDS = {
    "nonsense": Odd(answering(NONSENSE), PROTOCOL, "not valid HTTP"),
    "silence": Odd(silence, TIMEOUT, "in time"),
    "header drip": Odd(
        repeating(b"x", before=OK + b"X-A: ", pause=0.02), TIMEOUT, "in time"
    ),
    "closes": Odd(answering(), RESET, "without an answer"),
    "resets": Odd(answering(then="reset"), RESET),
    "plain text": Odd(beneath, TLS),
    "half an answer": Odd(answering(OK + LENGTH % 5, b"abc"), RESET, "before its end"),
    "as it should be": Odd(GOOD, None),
}
CASES = {
    **{f"handshake: {name}": odd for name, odd in NO_HANDSHAKE.items()},
    **{f"certificate: {name}": odd for name, odd in BAD_CERTIFICATE.items()},
    **{
        f"after a handshake: {name}": Odd(odd.behave, odd.error, odd.words, {})
        for name, odd in AFTERWARDS.items()
    },
}
