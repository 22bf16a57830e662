"""Whether a webhook's receiver is alone in its trouble, or its whole host fails."""

from dataclasses import dataclass

from callboard.database import Row, reading
from callboard.outcome import ErrorClass
from callboard.webhooks.tables import Webhook
from callboard.webhooks.urls import host_of

_MOST = 1000
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Neighbour:
    id: str
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The account's other webhooks to `host` that fail, too, or were deactivated for
    it: how many, counted to 1 000, and the first by name."""

    host: str
    count: int
    named: tuple[Neighbour, ...]


async def failing_with(row: Webhook) -> Neighbours | None:
    """None where this one does not fail, or does so alone."""
    host = host_of(row.url)
    async with reading() as db:
        rows = await db.fetch(
            """
            SELECT w.id, w.name, w.state, w.url, h.last_error
            FROM webhook w JOIN health h ON h.webhook = w.id
            WHERE w.account = :account AND lower(w.url) LIKE :like
              AND (w.state = 'deactivated' AND w.cause IS NOT NULL
                   OR w.state = 'active' AND h.since IS NOT NULL)
            ORDER BY w.id = :id DESC, lower(w.name), w.id LIMIT :most
            """,
            account=row.account,
            id=row.id,
            like=f"%://%{host}%",
            most=_MOST + 1,
        )
    found = [each for each in rows if _is_at(each, host)]
    if not found or found[0]["id"] != row.id or len(found) == 1:
        return None
    named = [Neighbour(r["id"], r["name"], r["state"]) for r in found[1 : _NAMED + 1]]
    return Neighbours(host, len(found) - 1, tuple(named))


def _is_at(row: Row, host: str) -> bool:
    """Without an access token it was not called: that is not the host's fault."""
    return host_of(row["url"]) == host and row["last_error"] != ErrorClass.TOKEN
