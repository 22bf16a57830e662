"""Log lines: one per unit of work, with what belongs to it as fields.

`log.info("event.accepted", extra={"events": 3})` becomes a line of words and
`key=value` pairs, or of JSON.
"""

import json
import logging
import re
from datetime import UTC, datetime
from logging.config import dictConfig
from typing import Any

# Whoever reads the logs must not be able to follow these links.
_ONE_TIME = re.compile(r"^(/(?:setup|join|activate|unsubscribe)/)[^/]+")

# `color_message` is uvicorn's: the same words once more.
_OWN = (*vars(logging.makeLogRecord({})), "message", "asctime", "color_message")


def set_up(log_format: str) -> None:
    """`log_format`: text or json."""
    dictConfig(configuration(log_format))


def configuration(log_format: str) -> dict[str, Any]:
    """For `dictConfig`, and for those who call it themselves in each process."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": _FORMATTERS[log_format]},
        "handlers": {
            "out": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "stream": "ext://sys.stdout",
            }
        },
        "root": {"level": "INFO", "handlers": ["out"]},
        "loggers": {
            "arq": {"level": "WARNING"},
            # While the database is away we say so ourselves, without tracebacks.
            "asyncpg": {"level": "ERROR"},
            "piccolo": {"level": "WARNING"},
        },
    }


def redacted(path: str) -> str:
    return _ONE_TIME.sub(r"\1…", path)


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(" ", "milliseconds")
        said = _escaped(record.getMessage())
        head = f"{at[:-6]}Z {record.levelname} {record.name} {said}"
        lines = [" ".join([head, *(f"{k}={_shown(v)}" for k, v in _extra(record))])]
        if record.exc_info:
            lines += self.formatException(record.exc_info).split("\n")
        return "\n  ".join(map(_escaped, lines))


def _extra(record: logging.LogRecord) -> list[tuple[str, object]]:
    return [(name, value) for name, value in vars(record).items() if name not in _OWN]


def _shown(value: object) -> str:
    """Quoted where it could be taken for several fields or lines."""
    text = str(value)
    if not text or any(char in ' "=' or not char.isprintable() for char in text):
        return json.dumps(text, ensure_ascii=False)
    return text


def _escaped(text: str) -> str:
    """What terminals obey, and what looks like a line of ours, is only named."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


_FORMATTERS: dict[str, dict[str, Any]] = {
    "text": {"()": TextFormatter},
    "json": {
        "()": "pythonjsonlogger.json.JsonFormatter",
        "fmt": "%(levelname)s %(name)s %(message)s",
        "rename_fields": {"levelname": "level", "name": "logger", "message": "event"},
        "timestamp": "at",
        "reserved_attrs": _OWN,
    },
}
