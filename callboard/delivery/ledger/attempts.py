"""The calls that were made, each a row."""

from collections.abc import Sequence

import msgspec

from callboard.database import Rows
from callboard.delivery.ledger.values import Result

_COLUMNS = {
    "delivery": "bigint",
    "number": "int",
    "trigger": "text",
    "started_at": "timestamptz",
    "seconds": "float8",
    "phases": "text",
    "status": "int",
    "error": "text",
    "detail": "text",
    "method": "text",
    "url": "text",
    "request_headers": "text",
    "request_body": "bytea",
    "response_headers": "text",
    "response_body": "bytea",
    "truncated": "bool",
    "lead": "bigint",
}
INSERT = f"""
    INSERT INTO attempt ({", ".join(_COLUMNS)}) SELECT * FROM {{attempts}}
"""


def attempt_rows(results: Sequence[Result]) -> Rows:
    rows = [
        (
            r.claimed.seq,
            r.claimed.attempts + 1,
            r.claimed.trigger,
            r.started_at,
            r.outcome.seconds,
            _json(r.outcome.phases_ms),
            r.outcome.status,
            r.outcome.error,
            r.outcome.detail,
            r.sent.method,
            r.sent.url,
            _json(r.sent.headers),
            r.sent.body,
            _json(r.outcome.headers),
            r.outcome.body,
            r.outcome.truncated,
            r.sent.lead,
        )
        for r in results
    ]
    return Rows(_COLUMNS, rows)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
