"""What was refused, as pairs of field and code."""

from collections.abc import Iterable

import httpx

from callboard.errors import Problem


def named(problems: Iterable[Problem]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in problems]


def told(answer: httpx.Response) -> list[tuple[str, str]]:
    """By the API, which refused because of them."""
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] == "invalid"
    return [(p["field"], p["code"]) for p in answer.json()["error"]["problems"]]
