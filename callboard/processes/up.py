"""`callboard up`: everything on one machine, with nothing else installed."""

import asyncio
import errno
import fcntl
import http.client
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from callboard.config import SHORTEST_KEY, Settings, read_or_exit
from callboard.processes.embedded import directory_of, running_redis
from callboard.processes.starting import waiting_aloud
from callboard.processes.supervisor import (
    Child,
    asked_to_end,
    end,
    ended,
    how_it_ended,
    start,
    wait_for_end,
)

ANSWERS_WITHIN = 60.0


def up(environ: Mapping[str, str]) -> int:
    """Runs until a signal, or until a part ends by itself; returns the exit code."""
    given = {name: text for name, text in environ.items() if text.strip()}
    draft = read_or_exit({"SECRET_KEY": "-" * SHORTEST_KEY} | given)
    given["DATABASE_URL"] = draft.database_url
    with asked_to_end() as asked, ExitStack() as stack:
        run_dir = _directories(draft)
        lock = stack.enter_context(_alone(run_dir / "lock", draft.port, asked))
        _refuse_a_taken_port(draft)
        children: list[Child] = []
        if "REDIS_URL" not in given:
            redis = running_redis(run_dir, asked, keep_open=[lock])
            child, given["REDIS_URL"] = stack.enter_context(redis)
            children.append(child)
        settings, link = _prepare(draft, given)
        return _serve(settings, link, given, children, lock, asked)


def _directories(settings: Settings) -> Path:
    run_dir = directory_of(settings)
    try:
        for directory in (settings.data_dir, run_dir):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(directory, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "it belongs to somebody else")
    except OSError as error:
        raise SystemExit(
            f"Cannot write to {settings.data_dir}/: {error.strerror}. "
            "Set DATA_DIR to a directory of your own."
        ) from error
    return run_dir


@contextmanager
def _alone(path: Path, port: int, asked: list[int]) -> Iterator[int]:
    """Waits for what a killed run left behind, refuses beside one that lives.

    Redis and web inherit the lock: it is free when both have ended. A worker that
    finishes its calls meanwhile is no harm: many may work on one database.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    _wait_for(descriptor, port, asked)
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, port: int, asked: list[int]) -> None:
    """Until it is locked. `asked`: the signals that ask to end."""
    waiting = False
    while not _locked(descriptor):
        if owner := _living_owner(descriptor):
            raise SystemExit(
                f"Callboard already runs here on port {port} (process {owner}). "
                "Set PORT to run a second copy beside it."
            )
        if not waiting:
            click.echo("Waiting for an earlier run to end.")
            waiting = True
        if asked:
            raise SystemExit(0)
        time.sleep(0.05)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _living_owner(descriptor: int) -> int | None:
    text = os.pread(descriptor, 20, 0)
    try:
        os.kill(int(text), 0)
    except (ValueError, ProcessLookupError):
        return None
    except PermissionError:
        pass  # it lives, as somebody else
    return int(text)


def _refuse_a_taken_port(settings: Settings) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        raise SystemExit(
            f"Cannot listen on {settings.host}, port {settings.port}: "
            f"{error.strerror}. Set PORT (or HOST) to another one."
        ) from error


def _prepare(draft: Settings, environ: dict[str, str]) -> tuple[Settings, str | None]:
    """Adds the key to `environ`, migrates; the link to set all up, until that is done.
    One copy at a time does this."""
    # Slow to import; and Piccolo chooses its engine by the environment at import.
    with (draft.data_dir / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environ.setdefault("SECRET_KEY", _kept_key(draft.data_dir / "secret_key"))
        os.environ.update(environ)
        from callboard.errors import Unavailable

        settings = Settings.read(environ)
        try:
            with waiting_aloud():
                return settings, asyncio.run(_prepare_database(settings))
        except (RuntimeError, Unavailable) as error:
            raise SystemExit(str(error)) from error


async def _prepare_database(settings: Settings) -> str | None:
    from callboard.accounts import setup
    from callboard.database import opened_database
    from callboard.runtime import prepare_database

    await prepare_database()
    async with opened_database():
        return await setup.link(settings, datetime.now(UTC))


def _kept_key(path: Path) -> str:
    if not path.exists():
        # Written whole or not at all: what it seals cannot be read without it.
        draft = path.with_name(path.name + ".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(descriptor)
        draft.rename(path)
    return path.read_text().strip()


def _serve(
    settings: Settings,
    link: str | None,
    environ: Mapping[str, str],
    children: list[Child],
    lock: int,
    asked: list[int],
) -> int:
    python = [sys.executable, "-m"]
    ours = [
        start("web", [*python, "web"], environ, keep_open=[lock]),
        start("worker", [*python, "workers"], environ),
    ]
    try:
        if _healthy(settings, [*children, *ours], asked):
            _announce(settings, link)
        lost = wait_for_end([*children, *ours], asked)
    finally:
        end(ours, asked)
    if lost:
        click.echo(f"Callboard ends: {how_it_ended(lost)}.", err=True)
    return 1 if lost else 0


def _healthy(settings: Settings, children: list[Child], asked: list[int]) -> bool:
    deadline = time.monotonic() + ANSWERS_WITHIN
    while not (asked or ended(children)):
        if _answers(settings):
            return True
        if time.monotonic() > deadline:
            click.echo("The web process has not answered for a minute.", err=True)
            return False
        time.sleep(0.05)
    return False


def _answers(settings: Settings) -> bool:
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  asked for, not given
    host = everywhere.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _announce(settings: Settings, link: str | None) -> None:
    lines = [f"Callboard is at  {settings.public_url}"]
    if link:
        lines.append(f"Set it up, once: {link}")
    lines.append(f"Ctrl-C ends it. Data is in {settings.data_dir}/")
    frame = "-" * (max(map(len, lines)) + 4)
    click.echo("\n".join(["", frame, *(f"  {line}" for line in lines), frame, ""]))
