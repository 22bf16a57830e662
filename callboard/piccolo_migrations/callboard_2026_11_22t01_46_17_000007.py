from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T01:46:17:000007"
VERSION = "1.38.0"
DESCRIPTION = "headers that signatures are named for"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )

    manager.add_column(
        table_class_name="Webhook",
        tablename="webhook",
        column_name="signature_header",
        db_column_name="signature_header",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 100,
            "default": "",
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    return manager
