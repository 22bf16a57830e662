"""One table: a column for each scenario, a line for each figure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import click

# By whom the ceiling's calls are made, and what the table calls them.
CALLERS = {"library": "aiohttp's client", "transport": "our bare transport"}
PROCESSES = ("web", "worker", "postgres", "redis", "sink", "load")
PARTS = ("p50", "p95", "p99")
_HEAVY = ("web", "worker", "postgres", "redis")

# Milliseconds, at PARTS.
Percentiles = tuple[float, float, float]


@dataclass
class Figures:
    """What a scenario came to. None where it says nothing about that.

    `compares`: its requests are those of the ceiling. `alone`: the percentiles just
    before, without what the scenario is about.
    """

    name: str
    accepted: float | None = None
    delivered: float | None = None
    replayed: float | None = None
    percentiles: Percentiles | None = None
    alone: Percentiles | None = None
    cpu: dict[str, float] = field(default_factory=dict)
    others: float | None = None
    memory: dict[str, float] = field(default_factory=dict)
    bytes_each: float | None = None
    deliveries: int | None = None
    lost: int | None = None
    repeated: int | None = None
    of_ceiling: dict[str, float] = field(default_factory=dict)
    compares: bool = False
    problems: list[str] = field(default_factory=list)


def show(found: Sequence[Figures]) -> None:
    lines = [["", *(figures.name for figures in found)]]
    for name, cells in _lines(found):
        if any(cell is not None for cell in cells):
            lines.append([name, *(_text(cell) for cell in cells)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        first = line[0].ljust(widths[0])
        rest = [text.rjust(w) for text, w in zip(line[1:], widths[1:], strict=True)]
        click.echo("  ".join([first, *rest]).rstrip())


def _lines(found: Sequence[Figures]) -> list[tuple[str, list[float | None]]]:
    lines: list[tuple[str, list[float | None]]] = [
        ("accepted /s", [each.accepted for each in found]),
        ("delivered /s", [each.delivered for each in found]),
        ("replayed /s", [each.replayed for each in found]),
    ]
    for caller, name in CALLERS.items():
        cells = [each.of_ceiling.get(caller) for each in found]
        lines.append((f"% of {name}", cells))
    for place, name in enumerate(PARTS):
        cells = [each.percentiles and each.percentiles[place] for each in found]
        lines.append((f"publish to received, {name} ms", cells))
    for place, name in enumerate(PARTS):
        cells = [each.alone and each.alone[place] for each in found]
        lines.append((f"the same just before, alone, {name} ms", cells))
    for name in PROCESSES:
        cells = [each.cpu.get(name) for each in found]
        lines.append((f"CPU ms / 1000 deliveries, {name}", cells))
    lines.append(("% of the cores used by others", [each.others for each in found]))
    for name in _HEAVY:
        lines.append((f"peak MB, {name}", [each.memory.get(name) for each in found]))
    return [
        *lines,
        ("database bytes / event", [each.bytes_each for each in found]),
        ("deliveries", [each.deliveries for each in found]),
        ("lost", [each.lost for each in found]),
        ("repeated", [each.repeated for each in found]),
    ]


def _text(value: float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) or value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.1f}"
