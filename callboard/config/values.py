"""How the text of a variable becomes a value; each says what it wants instead."""

from collections.abc import Callable
from email.utils import parseaddr
from urllib.parse import urlsplit

SHORTEST_KEY = 32


def yes_or_no(text: str) -> bool:
    words = {"yes": True, "true": True, "on": True, "1": True}
    words |= {"no": False, "false": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError("say yes or no")
    return words[text.lower()]


def number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError(f"say a whole number from {least} to {most}")
        return int(text)

    return read


def choice(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"say one of {', '.join(words)}")
        return text

    return read


def url(*schemes: str) -> Callable[[str], str]:
    """The messages never repeat the value: these URLs carry passwords."""

    def read(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not (parts.netloc or parts.path.strip("/")):
            raise ValueError(f"say a URL that begins with {'://, '.join(schemes)}://")
        try:
            _ = parts.port
        except ValueError:
            raise ValueError("the port is no number from 0 to 65535") from None
        return text

    return read


def database(text: str) -> str:
    if not text.startswith("sqlite:"):
        return url("postgres", "postgresql")(text)
    if not (text.startswith("sqlite:///") and text.removeprefix("sqlite:///")):
        raise ValueError("say sqlite:///PATH, with four slashes if PATH is absolute")
    return text


def base_url(text: str) -> str:
    parts = urlsplit(url("http", "https")(text))
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("say an address such as https://hooks.example.org")
    return text.rstrip("/")


def optional(read: Callable[[str], str]) -> Callable[[str], str | None]:
    return lambda text: read(text) if text else None


def sender(text: str) -> str:
    if "@" not in parseaddr(text)[1]:
        raise ValueError("say an address such as Callboard <hooks@example.org>")
    return text


def secret_key(text: str) -> str:
    if any(len(key.strip()) < SHORTEST_KEY for key in text.split(",")):
        raise ValueError(f"each key needs at least {SHORTEST_KEY} characters")
    return text
