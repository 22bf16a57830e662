"""Settings: read once from the environment, every problem reported at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Self, get_type_hints
from urllib.parse import urlsplit

from callboard.egress.policy import Destination, parse_destinations

SHORTEST_KEY = 32


class SettingsError(Exception):
    """`problems`: one sentence each, beginning with the variable's name."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["Wrong settings:", *(f"  {p}" for p in problems)]))


def _yes_or_no(text: str) -> bool:
    words = {"yes": True, "true": True, "on": True, "1": True}
    words |= {"no": False, "false": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError("say yes or no")
    return words[text.lower()]


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError(f"say a whole number from {least} to {most}")
        return int(text)

    return read


def _choice(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"say one of {', '.join(words)}")
        return text

    return read


def _url(*schemes: str) -> Callable[[str], str]:
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


def _database(text: str) -> str:
    if not text.startswith("sqlite:"):
        return _url("postgres", "postgresql")(text)
    if not (text.startswith("sqlite:///") and text.removeprefix("sqlite:///")):
        raise ValueError("say sqlite:///PATH, with four slashes if PATH is absolute")
    return text


def _base_url(text: str) -> str:
    parts = urlsplit(_url("http", "https")(text))
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("say an address such as https://hooks.example.org")
    return text.rstrip("/")


def _optional(read: Callable[[str], str]) -> Callable[[str], str | None]:
    return lambda text: read(text) if text else None


def _sender(text: str) -> str:
    if "@" not in parseaddr(text)[1]:
        raise ValueError("say an address such as Callboard <hooks@example.org>")
    return text


def _secret_key(text: str) -> str:
    if any(len(key.strip()) < SHORTEST_KEY for key in text.split(",")):
        raise ValueError(f"each key needs at least {SHORTEST_KEY} characters")
    return text


@dataclass(frozen=True, slots=True)
class Setting:
    """`default` as one would write it, None where there is none.

    `{names}` in it are settings that stand above.
    """

    read: Callable[[str], object]
    default: str | None
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """The variable of a field is its name in capitals. No repr: it holds secrets."""

    host: Annotated[
        str, Setting(str, "127.0.0.1", "address the web process listens on")
    ]
    port: Annotated[
        int, Setting(_number(1, 65535), "8000", "port the web process listens on")
    ]
    data_dir: Annotated[
        Path,
        Setting(
            Path, "var", "directory for the SQLite file, embedded Redis and outbox"
        ),
    ]
    database_url: Annotated[
        str,
        Setting(
            _database,
            "sqlite:///{data_dir}/callboard.sqlite",
            "where everything is kept: sqlite:///PATH or postgres://…",
        ),
    ]
    redis_url: Annotated[
        str,
        Setting(
            _url("redis", "rediss", "unix"),
            "redis://127.0.0.1:6379/0",
            "the queue: redis://…, rediss://… or unix://PATH",
        ),
    ]
    secret_key: Annotated[
        str,
        Setting(
            _secret_key,
            None,
            "seals stored secrets and signs sessions; several with commas between: "
            "the first is used, all are accepted",
        ),
    ]
    public_url: Annotated[
        str,
        Setting(_base_url, "http://127.0.0.1:{port}", "how links reach the pages"),
    ]
    smtp_url: Annotated[
        str | None,
        Setting(
            _optional(_url("smtp", "smtps")),
            "",
            "smtp://user:pass@host:587 or smtps://…; without it mails go to the outbox",
        ),
    ]
    mail_from: Annotated[
        str, Setting(_sender, "Callboard <callboard@localhost>", "sender of our mails")
    ]
    allow_destinations: Annotated[
        tuple[Destination, ...],
        Setting(
            parse_destinations,
            "",
            "networks or host names that may be called though they are private",
        ),
    ]
    deny_destinations: Annotated[
        tuple[Destination, ...],
        Setting(parse_destinations, "", "networks or host names that are never called"),
    ]
    allow_http: Annotated[
        bool, Setting(_yes_or_no, "yes", "may webhooks have http:// URLs?")
    ]
    hold_days: Annotated[
        int, Setting(_number(0, 30), "5", "days that a webhook's held events are kept")
    ]
    retention_days: Annotated[
        int, Setting(_number(1, 3650), "30", "days that finished events are kept")
    ]
    web_concurrency: Annotated[int, Setting(_number(1, 64), "1", "web processes")]
    worker_concurrency: Annotated[
        int, Setting(_number(1, 10_000), "256", "calls in flight per worker")
    ]
    log_format: Annotated[
        str, Setting(_choice("text", "json"), "text", "form of log lines: text or json")
    ]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Unset and empty are the same. Raises SettingsError with all problems."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name, setting in described().items():
            try:
                values[name] = _value(name, setting, environ, values)
            except ValueError as error:
                problems.append(f"{name.upper()}: {error}")
        if problems:
            raise SettingsError(problems)
        return cls(**values)

    @property
    def secret_keys(self) -> tuple[str, ...]:
        return tuple(key.strip() for key in self.secret_key.split(","))

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")

    @property
    def sqlite_path(self) -> Path:
        """`sqlite:///x` is relative to the working directory, `sqlite:////x` is not."""
        return Path(self.database_url.removeprefix("sqlite:///"))


def described() -> dict[str, Setting]:
    """What there is to set, by field name."""
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


def read_or_exit(environ: Mapping[str, str]) -> Settings:
    """For entry points: prints every problem on standard error and exits with 1."""
    try:
        return Settings.read(environ)
    except SettingsError as error:
        raise SystemExit(str(error)) from error


def _value(
    name: str, setting: Setting, environ: Mapping[str, str], before: dict[str, Any]
) -> object:
    given = environ.get(name.upper(), "").strip()
    if given:
        return setting.read(given)
    if setting.default is None:
        raise ValueError("must be set")
    # A wrong setting above is reported by itself; here its default will do.
    return setting.read(
        setting.default.format(**{"port": 8000, "data_dir": "var"} | before)
    )
