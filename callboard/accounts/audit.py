"""Who did what: written in the transaction of the act itself."""

from piccolo.columns.combination import WhereRaw
from piccolo.custom_types import Combinable

from callboard import ids
from callboard.accounts.actor import Actor
from callboard.accounts.tables import AuditEntry
from callboard.paging import Page, decode_cursor, page_of

COMMAND_LINE = "command line"
_SEARCHED = ("actor", "subject", "detail")
_CURSOR = "aud"


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


async def page(
    account: str,
    *,
    about: str = "",
    q: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[AuditEntry]:
    """Newest first. `about`: how the act begins, such as "webhook"; `q` is looked for
    in who did it, to what, and in the detail."""
    where: Combinable = AuditEntry.account == account
    if about:
        where &= AuditEntry.act.like(f"{about}.%")
    if q:
        like = f"%{q.lower()}%"
        fields = " OR ".join(f"lower({each}) LIKE {{}}" for each in _SEARCHED)
        where &= WhereRaw(f"({fields})", *[like] * len(_SEARCHED))
    if cursor:
        before = ids.to_sequence(_CURSOR, decode_cursor(cursor))
        where &= AuditEntry.id < (before or 0)
    found = AuditEntry.objects().where(where).order_by(AuditEntry.id, ascending=False)
    return page_of(await found.limit(limit + 1), limit, _place)


def _place(row: AuditEntry) -> str:
    return ids.from_sequence(_CURSOR, row.id)
