from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-22T05:26:00:000023"
VERSION = "1.38.0"
DESCRIPTION = "clear the way to what is due next"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_vacuum_soon)
    manager.add_raw_backwards(_vacuum_late)
    return manager


async def _vacuum_soon() -> None:
    """What has gone out leaves dead entries before what is due next, and every claim
    passes them: 2 ms after 150 000. At its default PostgreSQL would wait for a fifth
    of the table."""
    found = engine()
    if found.engine_type == "postgres":
        await found.run_ddl(
            "ALTER TABLE delivery SET (autovacuum_vacuum_scale_factor = 0.03)"
        )


async def _vacuum_late() -> None:
    found = engine()
    if found.engine_type == "postgres":
        await found.run_ddl(
            "ALTER TABLE delivery RESET (autovacuum_vacuum_scale_factor)"
        )
