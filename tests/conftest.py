"""A clean database for each test, on the engine that TEST_ENGINE names."""
# ruff: noqa: E402 - the environment comes before what reads it

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

_servers = ExitStack()
_directory = Path(_servers.enter_context(tempfile.TemporaryDirectory()))


def _database_url() -> str:
    if os.environ.get("TEST_ENGINE", "sqlite") == "sqlite":
        return f"sqlite:///{_directory}/callboard.sqlite"
    from tests.servers import running_postgres

    return _servers.enter_context(running_postgres(fsync=False))


# Piccolo's engine is chosen when it is first imported, so all this comes before.
os.environ["DATABASE_URL"] = _database_url()
os.environ["DATA_DIR"] = str(_directory)
os.environ["SECRET_KEY"] = "a-key-that-is-only-good-for-tests-0123456789"
os.environ["ALLOW_DESTINATIONS"] = "127.0.0.0/8"
os.environ["HOLD_DAYS"] = "4"
os.environ["PUBLIC_URL"] = "http://callboard.test"

import httpx
import hypothesis
import pytest
from litestar import Litestar
from redis.asyncio import Redis

from callboard import database
from callboard.accounts import signing_in
from callboard.config import Settings
from callboard.database import Database
from callboard.insight import trial
from callboard.notices import forgotten
from callboard.piccolo_app import APP_CONFIG
from callboard.runtime import Runtime, open_runtime
from tests import make
from tests.cast import Cast, make_cast
from tests.clock import SkippingClock
from tests.engine import Engine, engine_of
from tests.receiver import Receiver, receiving
from tests.servers import running_redis
from web.app import create_app

# On a busy machine any example may take long, and to find one as well.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")

_FILE = _directory / "callboard.sqlite"
_TEMPLATE = _directory / "template.sqlite"


def pytest_unconfigure() -> None:
    _servers.close()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with running_redis() as url:
        yield url


@pytest.fixture(scope="session")
def settings(redis_url: str) -> Settings:
    """For processes that a test starts, `os.environ` says the same."""
    os.environ["REDIS_URL"] = redis_url
    return Settings.read(os.environ)


@pytest.fixture(scope="session")
def migrated() -> None:
    asyncio.run(database.migrate())
    if _FILE.exists():
        shutil.copy(_FILE, _TEMPLATE)


@pytest.fixture
async def db(migrated: None) -> AsyncIterator[None]:
    """An empty, open database."""
    signing_in.sign_ins.clear()
    trial.limit.clear()
    forgotten.limit.clear()
    if _TEMPLATE.exists():
        _restore()
    await database.open_database()
    if not _TEMPLATE.exists():
        await _truncate()
    yield
    await database.close_database()


@pytest.fixture
async def cast(db: None) -> Cast:
    """alice owns, bob is a member, charlie is a stranger with an account of his own."""
    return await make_cast()


@pytest.fixture
async def runtime(db: None, settings: Settings) -> AsyncIterator[Runtime]:
    await database.close_database()  # the runtime opens and closes it by itself
    async with Redis.from_url(settings.redis_url) as redis:
        await redis.flushdb()  # tries of the tests before
    async with open_runtime(settings) as opened:
        yield make.changed(opened, clock=SkippingClock(opened.clock))
    await database.open_database()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def engine(
    runtime: Runtime, cast: Cast, receiver: Receiver
) -> AsyncIterator[Engine]:
    """alice's account with one event type; after the test the ledger is checked."""
    async with engine_of(cast.alice.account, runtime, receiver) as opened:
        yield opened


@pytest.fixture(scope="session")
def app(settings: Settings) -> Litestar:
    return create_app(settings)


@pytest.fixture
async def client(app: Litestar, runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody is signed in. The transport runs no lifespan, so the runtime comes so."""
    app.state.runtime = runtime
    asgi: Any = app  # its own types of ASGI are narrower
    transport = httpx.ASGITransport(app=asgi, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://callboard.test"
    ) as connected:
        yield connected


@pytest.fixture
async def api(client: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    """Calls with alice's key; others put their `headers` on the call."""
    client.headers.update(cast.alice.headers)
    return client


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """`with queries() as seen:` collects the SQL that runs; lists count it."""
    return partial(_counted, monkeypatch)


@contextmanager
def _counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    seen: list[str] = []
    fetch, run = Database.fetch, type(database.engine()).run_querystring

    async def counted_fetch(self: Database, sql: str, **values: Any) -> Any:
        seen.append(sql)
        return await fetch(self, sql, **values)

    async def counted_run(self: Any, querystring: Any, *rest: Any, **more: Any) -> Any:
        seen.append(str(querystring))
        return await run(self, querystring, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "fetch", counted_fetch)
        patch.setattr(type(database.engine()), "run_querystring", counted_run)
        yield seen


def _restore() -> None:
    for rest in ("-wal", "-shm"):
        Path(f"{_FILE}{rest}").unlink(missing_ok=True)
    shutil.copy(_TEMPLATE, _FILE)


async def _truncate() -> None:
    tables = ", ".join(t._meta.tablename for t in APP_CONFIG.table_classes)
    async with database.writing() as connected:
        await connected.fetch(f"TRUNCATE {tables} RESTART IDENTITY")
