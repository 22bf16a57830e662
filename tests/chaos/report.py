"""What came of the chaos, in a table."""

from collections.abc import Iterator
from dataclasses import dataclass, field

HEAD = (
    *("case", "rounds", "accepted", "refused", "repeated", "in flight"),
    *("went on, s", "taken over, s", "beside"),
)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """`refused`: by status, or by how the connection broke. `held`: what was in flight
    when a process died; only that may be repeated. `went_on`: the longest that anything
    else had to wait, `taken_over`: until the last of what was in flight had ended."""

    accepted: int
    refused: dict[int | str, int] = field(default_factory=dict)
    held: int = 0
    repeats: int = 0
    went_on: float | None = None
    taken_over: float | None = None


@dataclass(frozen=True)
class Case:
    name: str
    rounds: int
    figures: Figures
    beside: str

    def cells(self) -> tuple[str, ...]:
        found = self.figures
        return (
            *(self.name, str(self.rounds), str(found.accepted)),
            *(str(sum(found.refused.values())), str(found.repeats), str(found.held)),
            *(_seconds(found.went_on), _seconds(found.taken_over), self.beside),
        )


def table(cases: list[Case]) -> Iterator[str]:
    rows = [HEAD, *(each.cells() for each in cases)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = row
        cells = [first.ljust(widths[0])]
        cells += [c.rjust(w) for c, w in zip(rest[:-1], widths[1:-1], strict=True)]
        yield "  ".join([*cells, rest[-1]]).rstrip()


def _seconds(number: float | None) -> str:
    return "–" if number is None else f"{number:.1f}"
