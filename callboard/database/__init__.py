"""The database: one engine chosen by DATABASE_URL, one way to write to it.

Everyday queries are Piccolo's. The few statements of the hot path are SQL text with
`:name` placeholders that runs on both engines; lists of rows go in as `Rows`.
"""

from callboard.database.away import AWAY, UNKEEPABLE, says_away
from callboard.database.clock import Clock
from callboard.database.engines import (
    check_schema,
    close_database,
    engine,
    migrate,
    open_database,
    opened_database,
)
from callboard.database.statements import (
    FENCE,
    Database,
    Row,
    Rows,
    as_time,
    reading,
    writing,
)

__all__ = [
    "AWAY",
    "FENCE",
    "UNKEEPABLE",
    "Clock",
    "Database",
    "Row",
    "Rows",
    "as_time",
    "check_schema",
    "close_database",
    "engine",
    "migrate",
    "open_database",
    "opened_database",
    "reading",
    "says_away",
    "writing",
]
