"""Where Piccolo looks for the engine and the app."""

import os

from piccolo.conf.apps import AppRegistry

from callboard.database.engines import DEFAULT_URL, make_engine

DB = make_engine(os.environ.get("DATABASE_URL") or DEFAULT_URL)

APP_REGISTRY = AppRegistry(apps=["callboard.piccolo_app"])
