from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Integer
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T04:56:10:000017"
VERSION = "1.38.0"
DESCRIPTION = "workers' shares of hosts"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )

    manager.add_column(
        table_class_name="Worker",
        tablename="worker",
        column_name="calls_per_host",
        db_column_name="calls_per_host",
        column_class_name="Integer",
        column_class=Integer,
        params={
            "default": 0,
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
