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
_SELECTED = [
    f"coalesce(:large, {name})" if name == "request_body" else name for name in _COLUMNS
]
# `large`: the body of the only one, where that is not among its values.
INSERT = f"""
    INSERT INTO attempt ({", ".join(_COLUMNS)})
    SELECT {", ".join(_SELECTED)} FROM {{attempts}}
"""


def attempt_rows(results: Sequence[Result], large: bytes | None = None) -> Rows:
    """`large`: a body that is left out."""
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
            None if r.sent.body is large else r.sent.body,
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
