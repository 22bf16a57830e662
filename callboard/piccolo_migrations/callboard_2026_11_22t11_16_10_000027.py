from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-22T11:16:10:000027"
VERSION = "1.38.0"
DESCRIPTION = "what waits to be discarded is known by its number"

_NUMBER = """
    UPDATE turn SET discards_to = 1 + (SELECT max(seq) FROM delivery d
        WHERE d.webhook = turn.webhook AND d.created_at <= turn.discards_before)
    WHERE discards_before IS NOT NULL
"""
# Activated, but still without calls: these now wait for no more than they must.
_OPEN = """
    UPDATE turn SET follow = 'release', open = (salvages_from IS NULL),
        gap_to = 1 + (SELECT coalesce(max(seq), 0) FROM delivery d
            WHERE d.webhook = turn.webhook)
    WHERE NOT open AND follow IS NOT NULL AND webhook IN (
        SELECT w.id FROM webhook w LEFT JOIN health h ON h.webhook = w.id
        WHERE w.state = 'active' AND h.verdict IS NULL)
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_number)
    manager.add_raw(_open)
    manager.drop_column(
        table_class_name="Turn",
        tablename="turn",
        column_name="discards_before",
        db_column_name="discards_before",
        schema=None,
    )
    return manager


async def _number() -> None:
    await engine().run_ddl(_NUMBER)


async def _open() -> None:
    await engine().run_ddl(_OPEN)
