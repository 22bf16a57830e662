"""Who did what: written in the transaction of the act itself."""

from callboard.accounts.actor import Actor
from callboard.accounts.tables import AuditEntry

COMMAND_LINE = "command line"


async def note(by: Actor, act: str, subject: str = "", detail: str = "") -> None:
    """Call it inside `writing()`. `detail` is for people and never holds a secret."""
    await AuditEntry.insert(
        AuditEntry(
            account=by.account,
            actor=by.name[:254],
            act=act,
            subject=subject[:140],
            detail=detail,
            at=by.now,
        )
    )


async def listed(
    account: str, *, before: int | None = None, limit: int = 50
) -> list[AuditEntry]:
    """Newest first; `before` is the id of the last entry already seen."""
    entries = AuditEntry.objects().where(AuditEntry.account == account)
    if before is not None:
        entries = entries.where(AuditEntry.id < before)
    return await entries.order_by(AuditEntry.id, ascending=False).limit(limit)
