from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from callboard.database import engine

ID = "2026-11-21T23:48:10:000004"
VERSION = "1.38.0"
DESCRIPTION = "indexes for notices and for webhooks that wait to be deactivated"

_INDEXES = {
    "notice_once": "UNIQUE INDEX {} ON notice (webhook, kind, occasion, recipient)",
    "notice_due": "INDEX {} ON notice (due) WHERE due IS NOT NULL",
    "notice_account": "INDEX {} ON notice (account, id)",
    "notice_created": "INDEX {} ON notice (created_at)",
    "health_verdict": "INDEX {} ON health (webhook) WHERE verdict IS NOT NULL",
    "webhook_cause": "INDEX {} ON webhook (id) WHERE cause IS NOT NULL",
}


async def forwards() -> MigrationManager:
    manager = MigrationManager(
        migration_id=ID, app_name="callboard", description=DESCRIPTION
    )
    manager.add_raw(_create)
    manager.add_raw_backwards(_drop)
    return manager


async def _create() -> None:
    for name, text in _INDEXES.items():
        await engine().run_ddl(f"CREATE {text.format(name)}")


async def _drop() -> None:
    for name in _INDEXES:
        await engine().run_ddl(f"DROP INDEX {name}")
