"""Reading what a list is asked for: what they meant, or every problem at once."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from callboard import paging, times
from callboard.errors import Problem, raise_all
from web.api import bodies
from web.errors import AnyRequest

# For the description: of a time that need not name its zone the decoder says nothing.
_Time = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class Asked(msgspec.Struct, kw_only=True):
    """Which part of a list: `cursor` is the `next` of the page before."""

    cursor: str | None = None
    limit: int = 50

    def problems(self) -> Iterator[Problem]:
        yield from paging.check(self.cursor, self.limit)


class AskedOfTime(Asked, kw_only=True):
    """From `since` on, and before `until`."""

    since: _Time | None = None
    until: _Time | None = None

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        yield from times.check(self.since, "since")
        yield from times.check(self.until, "until")


class Searched(Asked, kw_only=True):
    q: str = ""


A = TypeVar("A", bound=Asked)


def take(request: AnyRequest, shape: type[A]) -> A:
    """Raises Invalid. Names that the shape does not have are passed over."""
    kinds = {field.name: field.type for field in msgspec.structs.fields(shape)}
    given = {
        name: _value(text, kinds[name])
        for name, text in request.query_params.multi_items()
        if name in kinds
    }
    misfits = list(bodies.shape_problems(given, shape))
    broken = {problem.field for problem in misfits}
    fine = {name: value for name, value in given.items() if name not in broken}
    asked = shape(**fine)
    raise_all([*misfits, *asked.problems()])
    return asked


def _value(text: str, kind: Any) -> Any:
    """As it was meant; what cannot be meant so stays a text, which is told."""
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return text
