from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-22T11:50:00:000025"
VERSION = "1.38.0"
DESCRIPTION = "leave each delivery room for its lease"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_leave_room)
    manager.add_raw_backwards(_leave_less)
    return manager


async def _leave_room() -> None:
    """A claim leases all rows of a page at once, each a new version that is a little
    longer. Where that found no room it went elsewhere, and into every index: 19 µs
    instead of 3, and more space in the end than is left free here."""
    await _fill(45)


async def _leave_less() -> None:
    await _fill(60)


async def _fill(percent: int) -> None:
    found = engine()
    if found.engine_type == "postgres":
        await found.run_ddl(f"ALTER TABLE delivery SET (fillfactor = {percent})")
