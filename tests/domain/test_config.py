from pathlib import Path

import pytest

from callboard.config import Settings, SettingsError, described, read_or_exit
from callboard.runtime import own_ports

KEY = "k" * 32


def read(**environ: str) -> Settings:
    return Settings.read({"SECRET_KEY": KEY, **environ})


def problems(**environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(**environ)
    return caught.value.problems


def test_a_key_is_all_one_has_to_give() -> None:
    settings = read()
    assert settings.database_url == "sqlite:///var/callboard.sqlite"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.allow_http is True
    assert settings.smtp_url is None
    assert settings.allow_destinations == ()


def test_empty_is_unset() -> None:
    assert read(PORT="", SMTP_URL=" ").port == 8000


def test_some_defaults_follow_other_settings() -> None:
    settings = read(PORT="9000", DATA_DIR="/srv/callboard")
    assert settings.public_url == "http://127.0.0.1:9000"
    assert settings.sqlite_path == Path("/srv/callboard/callboard.sqlite")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PORT", "65535", 65535),
        ("ALLOW_HTTP", "no", False),
        ("ALLOW_HTTP", "TRUE", True),
        ("HOLD_DAYS", "0", 0),
        ("DATA_DIR", "data", Path("data")),
        ("DATABASE_URL", "postgres://u:p@db/hooks", "postgres://u:p@db/hooks"),
        ("DATABASE_URL", "postgresql:///hooks", "postgresql:///hooks"),
        ("DATABASE_URL", "sqlite:////srv/x.sqlite", "sqlite:////srv/x.sqlite"),
        ("REDIS_URL", "rediss://:p@cache:6380/1", "rediss://:p@cache:6380/1"),
        ("REDIS_URL", "unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("PUBLIC_URL", "https://hooks.example/", "https://hooks.example"),
        ("SMTP_URL", "smtps://u:p@mail:465", "smtps://u:p@mail:465"),
        ("MAIL_FROM", "hooks@example.org", "hooks@example.org"),
        ("LOG_FORMAT", "json", "json"),
    ],
)
def test_a_good_value_is_read(name: str, text: str, value: object) -> None:
    assert getattr(read(**{name: text}), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "eighty"),
        ("PORT", "８０"),
        ("ALLOW_HTTP", "maybe"),
        ("HOLD_DAYS", "31"),
        ("RETENTION_DAYS", "0"),
        ("WEB_CONCURRENCY", "-1"),
        ("WORKER_CONCURRENCY", "1.5"),
        ("DATABASE_URL", "mysql://db/x"),
        ("DATABASE_URL", "sqlite://x.sqlite"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "postgres://db:port/x"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("PUBLIC_URL", "hooks.example.org"),
        ("PUBLIC_URL", "https://hooks.example/?a=b"),
        ("PUBLIC_URL", "http://[::1/"),
        ("SMTP_URL", "mail.example.org"),
        ("MAIL_FROM", "Callboard"),
        ("ALLOW_DESTINATIONS", "10.0.0.0/99"),
        ("DENY_DESTINATIONS", "not a network, http://x"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", f"{KEY},short"),
        ("SECRET_KEY", f"{KEY},"),
        ("SECRET_KEY", ""),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_bad_value_is_refused_by_its_name(name: str, text: str) -> None:
    (problem,) = problems(**{name: text})
    assert problem.startswith(f"{name}: ")


def test_all_problems_are_told_at_once() -> None:
    told = problems(PORT="x", SECRET_KEY="", HOLD_DAYS="-1", LOG_FORMAT="xml")
    names = ["PORT", "SECRET_KEY", "HOLD_DAYS", "LOG_FORMAT"]
    assert [problem.split(":")[0] for problem in told] == names


def test_entry_points_print_every_problem_and_exit() -> None:
    with pytest.raises(SystemExit) as caught:
        read_or_exit({"PORT": "x"})
    assert "\n  PORT: say a whole number" in str(caught.value)
    assert "\n  SECRET_KEY: must be set" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@db/x", "postgres://u:hunter2@db:x/x", "u:hunter2@[x"]
)
def test_passwords_are_never_repeated(url: str) -> None:
    told = problems(DATABASE_URL=url, REDIS_URL=url, SMTP_URL=url, PUBLIC_URL=url)
    assert len(told) == 4
    assert "hunter2" not in "".join(told)
    assert "hunter2" not in repr(read(DATABASE_URL="postgres://u:hunter2@db/x"))


@pytest.mark.parametrize(
    ("environ", "ports"),
    [
        ({"DATABASE_URL": "postgres://db/x", "REDIS_URL": "redis://r"}, {5432, 6379}),
        ({"DATABASE_URL": "postgresql://db:1/x", "REDIS_URL": "rediss://r:2"}, {1, 2}),
        ({"DATABASE_URL": "postgres:///x?host=10.0.0.1&port=5433"}, {5433, 6379}),
        ({"REDIS_URL": "unix:///run/redis.sock", "SMTP_URL": "smtp://mail"}, {25}),
        ({"SMTP_URL": "smtp://u:p@mail"}, {587, 6379}),
        ({"SMTP_URL": "smtps://u:p@mail"}, {465, 6379}),
        ({"SMTP_URL": "smtp://mail:2525"}, {2525, 6379}),
    ],
)
def test_the_ports_of_our_own_servers_are_known(
    environ: dict[str, str], ports: set[int]
) -> None:
    """They are closed to webhooks: see the rules of destinations."""
    assert set(own_ports(read(**environ))) == ports


def test_the_first_of_several_keys_comes_first() -> None:
    old, new = "o" * 32, "n" * 32
    assert read(SECRET_KEY=f"{new}, {old}").secret_keys == (new, old)


def test_every_setting_says_what_it_is_for() -> None:
    assert all(setting.purpose for setting in described().values())
