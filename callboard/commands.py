"""The `callboard` command: each verb reads settings, calls one function, prints."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from callboard import __version__
from callboard.accounts.actor import Actor
from callboard.config import Settings, read_or_exit
from callboard.errors import CallboardError, NotFound, Unavailable
from callboard.processes.embedded import directory_of, url_in
from callboard.processes.starting import waiting_aloud

T = TypeVar("T")

_for_account = click.option("--account", help="Its name or id; the first one if left.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="callboard")
def main() -> None:
    """Callboard sends webhooks. Settings come from the environment."""
    os.umask(0o077)  # the database, mails with links and sockets are nobody else's


@main.command("up")
def run_everything() -> None:
    """Run everything here: web, worker, and what they need."""
    from callboard.processes.up import up  # the other verbs need no supervisor

    sys.exit(up(os.environ))


@main.command()
def web() -> None:
    """Run the web process."""
    _become("web")


@main.command()
def worker() -> None:
    """Run a worker: it makes the calls."""
    _become("workers")


@main.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    settings = _settings()
    from callboard.runtime import prepare_database  # Piccolo is slow to import

    if settings.is_sqlite:
        settings.sqlite_path.parent.mkdir(parents=True, exist_ok=True)
    with waiting_aloud():
        _complete(prepare_database())


@main.command()
def reseal() -> None:
    """Seal all secrets with the first key of SECRET_KEY, so that the others may go."""
    settings = _settings()

    async def seal(now: datetime) -> tuple[int, tuple[str, ...]]:
        from callboard.upkeep import resealing
        from callboard.vault import Vault

        vault = Vault(settings.secret_keys)
        return await resealing.reseal(vault), (await resealing.look(vault)).lost

    count, lost = _run(seal)
    click.echo(f"Webhooks whose secrets were sealed anew: {count}.")
    if lost:
        click.echo(f"No key in SECRET_KEY opens those of {', '.join(lost)}.", err=True)
        sys.exit(1)


@main.group()
def accounts() -> None:
    """Customers who must not see each other get an account each."""


@accounts.command("add")
@click.argument("name")
def add_account(name: str) -> None:
    """Add an account; prints its id."""

    async def add(now: datetime) -> str:
        from callboard.accounts import accounts

        return (await accounts.add(name, now)).id

    click.echo(_run(add))


@main.group()
def members() -> None:
    """Who may sign in."""


@members.command("add")
@click.argument("email")
@click.option("--role", default="member", help="owner, member or viewer.")
@click.option("--name", default="", help="As pages show it.")
@click.option("--password-stdin", is_flag=True, help="Read a password, one line.")
@_for_account
def add_member(
    email: str, role: str, name: str, password_stdin: bool, account: str | None
) -> None:
    """Add a member; without a password, prints a link to choose one."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None

    async def add(now: datetime) -> str:
        from callboard.accounts import invitations, members

        by = await _actor(account, now)
        if password is not None:
            await members.add(by, email, name, role, password)
            return ""
        _, token = await invitations.invite(by, email, name, role)
        return token

    if token := _run(add):
        _show_link(token)


@members.command("link")
@click.argument("email")
@_for_account
def make_link(email: str, account: str | None) -> None:
    """Print a link to choose a new password, for one who cannot sign in."""

    async def make(now: datetime) -> str:
        from callboard.accounts import invitations, members

        by = await _actor(account, now)
        member = await members.find(by.account, email)
        if member is None:
            raise NotFound(f"Nobody signs in as {email} there.")
        return await invitations.new_link(by, member.id)

    _show_link(_run(make))


def _show_link(token: str) -> None:
    click.echo(f"{_settings().public_url}/join/{token}")
    click.echo("The link is good for a day, once.", err=True)


@main.group()
def keys() -> None:
    """What programs show to use the API."""


@keys.command("create")
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, help="All of them if none is given.")
@_for_account
def create_key(name: str, scopes: tuple[str, ...], account: str | None) -> None:
    """Create an API key; prints it alone. It cannot be read again."""

    async def create(now: datetime) -> str:
        from callboard.accounts import keys

        _, secret = await keys.create(await _actor(account, now), name, scopes)
        return secret

    click.echo(_run(create))


@main.command()
def check() -> None:
    """Look for what is wrong: settings, servers, lost or stuck deliveries."""
    settings = _settings()
    from callboard.upkeep.doctor import examine

    knows_redis = bool(os.environ.get("REDIS_URL"))
    if not knows_redis:
        where = f"no `callboard up` runs on port {settings.port}"
        click.echo(f"Redis was not looked at: {where}, REDIS_URL is not set.", err=True)
    found = asyncio.run(examine(settings, knows_redis))
    for sentence in found:
        click.echo(sentence)
    sys.exit(1 if found else 0)


async def _actor(account: str | None, now: datetime) -> Actor:
    """In the account of that name or id, or in the first."""
    from callboard.accounts import accounts, audit

    found = await (accounts.find(account) if account else accounts.first())
    if found is None:
        raise NotFound(
            f"There is no account {account}."
            if account
            else "There is no account yet: run callboard migrate."
        )
    return Actor(found.id, audit.COMMAND_LINE, now)


def _run(act: Callable[[datetime], Awaitable[T]]) -> T:
    """In an open database."""
    _settings()
    from callboard.database import check_schema, opened_database

    async def run() -> T:
        async with opened_database():
            if await check_schema():
                raise Unavailable("The schema is old: run callboard migrate.")
            return await act(datetime.now(UTC))

    return _complete(run())


def _complete(work: Coroutine[Any, Any, T]) -> T:
    """What cannot be done is said in a sentence."""
    try:
        return asyncio.run(work)
    except CallboardError as problem:
        click.echo(str(problem), err=True)
        sys.exit(1)


def _settings() -> Settings:
    """Also what `up` made and keeps beside its data.

    Piccolo looks for DATABASE_URL too, and does not know our default.
    """
    kept = Path(os.environ.get("DATA_DIR") or "var") / "secret_key"
    if not os.environ.get("SECRET_KEY") and kept.exists():
        os.environ["SECRET_KEY"] = kept.read_text().strip()
    settings = read_or_exit(os.environ)
    if not os.environ.get("REDIS_URL") and (url := url_in(directory_of(settings))):
        os.environ["REDIS_URL"] = url
        settings = read_or_exit(os.environ)
    os.environ["DATABASE_URL"] = settings.database_url
    return settings


def _become(module: str) -> None:
    """The domain may not import `web` or `workers`: this process becomes one."""
    _settings()
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606  our own
