"""What can be wrong with what a caller asks for.

CallboardError
 ├─ NotFound       no such row for this account
 ├─ Invalid        input breaks rules; carries every problem at once
 ├─ Conflict       a name is taken, a state has moved on
 ├─ Forbidden      the role or the key's scope is too small
 ├─ LimitReached   a size, a quota or a rate
 └─ Unavailable    the database is away: nothing was written, try again

A receiver's "no" is not here: it is an `Outcome`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where (a field's path, "" for the whole), what, in words.

    `position`: the character in the field's text that it is about, from 1.
    """

    field: str
    code: str
    message: str
    position: int | None = None


class CallboardError(Exception):
    code = "error"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class NotFound(CallboardError):
    code = "not_found"


class Conflict(CallboardError):
    code = "conflict"


class Forbidden(CallboardError):
    code = "forbidden"


class LimitReached(CallboardError):
    """`code` is `too_large` or `too_many`."""

    code = "too_many"


class Unavailable(CallboardError):
    code = "unavailable"

    def __init__(
        self, message: str = "The database is away; try again in a moment."
    ) -> None:
        super().__init__(message)


class Invalid(CallboardError):
    """Takes the first hundred: those that look for problems lazily may stop there."""

    code = "invalid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(islice(problems, MOST_PROBLEMS))
        super().__init__(" ".join(problem.message for problem in self.problems))


def raise_all(problems: Collection[Problem]) -> None:
    """Invalid, if there are any."""
    if problems:
        raise Invalid(problems)


def invalid(field: str, code: str, message: str) -> Invalid:
    return Invalid([Problem(field, code, message)])
