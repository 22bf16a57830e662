from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-22T05:25:10:000022"
VERSION = "1.38.0"
DESCRIPTION = "turns that follow a change of state say what comes first in columns"

_STEPS = (
    """
    UPDATE turn SET discards_before = NULL WHERE coalesce(follow, '') != 'discard'
    """,
    """
    UPDATE turn SET follow = CASE WHEN EXISTS (SELECT 1 FROM webhook w
        WHERE w.id = turn.webhook AND w.state = 'active') THEN 'release' ELSE 'hold' END
    WHERE follow = 'discard'
    """,
    """
    UPDATE turn SET follow = 'hold', salvages_after = succeeded_at, salvages_from =
        (SELECT h.first_lost FROM health h WHERE h.webhook = turn.webhook)
    WHERE follow = 'salvage'
    """,
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_rewrite)
    return manager


async def _rewrite() -> None:
    for text in _STEPS:
        await engine().run_ddl(text)
