"""The `callboard` command: each verb reads settings, calls one function, prints."""

import asyncio
import os
import sys

import click

from callboard import __version__
from callboard.config import Settings, read_or_exit


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="callboard")
def main() -> None:
    """Callboard sends webhooks. Settings come from the environment."""


@main.command("up")
def run_everything() -> None:
    """Run everything here: web, worker, and what they need."""
    from callboard.up import up  # the other verbs need no supervisor

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
    asyncio.run(prepare_database())


def _settings() -> Settings:
    """Piccolo looks for DATABASE_URL too, and does not know our default."""
    settings = read_or_exit(os.environ)
    os.environ["DATABASE_URL"] = settings.database_url
    return settings


def _become(module: str) -> None:
    """The domain never imports the doors and the hands, so it turns into them."""
    _settings()
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606
