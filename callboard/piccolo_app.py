"""One Piccolo app: all tables, one line of migrations."""

import re
from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

_FOLDER = Path(__file__).parent / "piccolo_migrations"

# The ids inside the files, which Piccolo writes down when it has run them.
MIGRATIONS = sorted(
    re.findall(r'^ID = "(.+)"', path.read_text(), re.MULTILINE)[0]
    for path in _FOLDER.glob("callboard_*.py")
)

APP_CONFIG = AppConfig(
    app_name="callboard",
    migrations_folder_path=str(_FOLDER),
    table_classes=table_finder(
        modules=[
            "callboard.accounts.tables",
            "callboard.catalogue.tables",
            "callboard.webhooks.tables",
            "callboard.delivery.tables",
            "callboard.health.tables",
            "callboard.notices.tables",
            "callboard.replays.tables",
        ],
        exclude_imported=True,
    ),
    migration_dependencies=[],
    commands=[],
)
