"""Jinja: a variable that is missing is an error, not an empty place."""

from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template.config import TemplateConfig

from callboard import numerals

_DEEPEST = 50  # each level takes several frames of the stack
_TEMPLATES = Path(__file__).parent.parent / "templates"


def config() -> TemplateConfig[JinjaTemplateEngine]:
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment()))


def environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["from_json"] = _from_json
    found.filters["written"] = numerals.written
    found.filters["counted"] = numerals.counted
    return found


def _from_json(text: Any) -> Any:
    """None for what is no JSON text, or is nested deeper than pages can show."""
    if not isinstance(text, str | bytes):
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if _fits(value, _DEEPEST) else None


def _fits(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    parts = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_fits(part, levels - 1) for part in parts)
