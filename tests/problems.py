"""What was refused, as pairs of field and code."""

from collections.abc import Iterable

import httpx

from callboard.errors import Problem

# In UTC these are no years that we know.
BEFORE, AFTER = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"


def named(problems: Iterable[Problem]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in problems]


def told(answer: httpx.Response) -> list[tuple[str, str]]:
    """By the API, which refused because of them."""
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] == "invalid"
    return [(p["field"], p["code"]) for p in answer.json()["error"]["problems"]]
