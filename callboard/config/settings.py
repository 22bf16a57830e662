from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self, get_type_hints

from callboard.config import values
from callboard.egress.policy import Destination, parse_destinations


class SettingsError(Exception):
    """`problems`: one sentence each, beginning with the variable's name."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["Wrong settings:", *(f"  {p}" for p in problems)]))


@dataclass(frozen=True, slots=True)
class Setting:
    """`default` as one would write it, None where there is none; `{names}` in it are
    settings that stand above. `purpose` is README's, word for word."""

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
        int, Setting(values.number(1, 65535), "8000", "port the web process listens on")
    ]
    data_dir: Annotated[
        Path,
        Setting(
            Path,
            "var",
            "directory for the SQLite file, the embedded Redis and the outbox",
        ),
    ]
    database_url: Annotated[
        str,
        Setting(
            values.database,
            "sqlite:///{data_dir}/callboard.sqlite",
            "where everything is kept: sqlite:///PATH or postgres://…",
        ),
    ]
    redis_url: Annotated[
        str,
        Setting(
            values.url("redis", "rediss", "unix"),
            "redis://127.0.0.1:6379/0",
            "the queue: redis://…, rediss://… or unix://PATH; make run brings its own",
        ),
    ]
    secret_key: Annotated[
        str,
        Setting(
            values.secret_key,
            None,
            "seals stored secrets and signs links in mails; several with commas "
            "between: the first is used, all are accepted; make run makes one",
        ),
    ]
    public_url: Annotated[
        str,
        Setting(
            values.base_url, "http://127.0.0.1:{port}", "how links reach the pages"
        ),
    ]
    smtp_url: Annotated[
        str | None,
        Setting(
            values.optional(values.url("smtp", "smtps")),
            "",
            "smtp://user:pass@host:587 or smtps://…; without it mails go to the outbox",
        ),
    ]
    mail_from: Annotated[
        str,
        Setting(
            values.sender, "Callboard <callboard@localhost>", "sender of our mails"
        ),
    ]
    allow_destinations: Annotated[
        tuple[Destination, ...],
        Setting(
            parse_destinations,
            "",
            "networks or host names that may be called though they are private, or "
            "this machine's, such as 10.1.0.0/16",
        ),
    ]
    deny_destinations: Annotated[
        tuple[Destination, ...],
        Setting(parse_destinations, "", "networks or host names that are never called"),
    ]
    allow_http: Annotated[
        bool, Setting(values.yes_or_no, "yes", "may webhooks have http:// URLs?")
    ]
    hold_days: Annotated[
        int,
        Setting(
            values.number(0, 30),
            "5",
            "days that a new webhook holds events while it is paused or deactivated",
        ),
    ]
    retention_days: Annotated[
        int, Setting(values.number(1, 3650), "30", "days that finished events are kept")
    ]
    web_concurrency: Annotated[int, Setting(values.number(1, 64), "1", "web processes")]
    worker_concurrency: Annotated[
        int, Setting(values.number(1, 10_000), "256", "calls in flight per worker")
    ]
    log_format: Annotated[
        str,
        Setting(
            values.choice("text", "json"), "text", "form of log lines: text or json"
        ),
    ]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Unset and empty are the same. Raises SettingsError with all problems."""
        found: dict[str, Any] = {}
        problems: list[str] = []
        for name, setting in described().items():
            try:
                found[name] = _value(name, setting, environ, found)
            except ValueError as error:
                problems.append(f"{name.upper()}: {error}")
        if problems:
            raise SettingsError(problems)
        return cls(**found)

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
