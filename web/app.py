"""The web application: assembled here, and nothing else is done here."""

import os
from pathlib import Path

from litestar import Litestar
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.router import Router
from litestar.static_files import create_static_files_router

from callboard.config import Settings
from web import errors, pages, security, templating
from web.api import API, openapi, probes
from web.lifespan import running

_STATIC = Path(__file__).parent.parent / "static"
_BODY_BYTES = 1024 * 1024


def create_app(settings: Settings | None = None) -> Litestar:
    settings = settings or Settings.read(os.environ)
    return Litestar(
        [
            probes.router,
            API,
            openapi.docs,
            pages.make_router(settings),
            _static(),
        ],
        dependencies={
            "runtime": Provide(security.runtime, sync_to_thread=False),
            "account": Provide(security.account, sync_to_thread=False),
            "by": Provide(security.actor, sync_to_thread=False),
            "member": Provide(security.member, sync_to_thread=False),
        },
        lifespan=[running(settings)],
        exception_handlers=errors.by_path(),
        openapi_config=openapi.CONFIG,
        template_config=templating.config(),
        request_max_body_size=_BODY_BYTES,
        logging_config=None,
    )


def _static() -> Router:
    return create_static_files_router(
        path="/static",
        directories=[_STATIC],
        cache_control=CacheControlHeader(max_age=3600, public=True),
        include_in_schema=False,
    )
