from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-22T05:20:00:000018"
VERSION = "1.38.0"
DESCRIPTION = "webhooks that were deleted before keep no secrets"


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_wipe)
    return manager


async def _wipe() -> None:
    await engine().run_ddl(
        """
        UPDATE webhook SET secrets = '[]', headers = '{}', auth = '{"type":"none"}'
        WHERE state = 'deleted'
        """
    )
