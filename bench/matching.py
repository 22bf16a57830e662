"""What it costs to find the webhooks that want an event, without any server.

In `mixed` 10 000 webhooks listen to 100 types by name, to all types of a group, or to
everything; half of them have filters of all kinds. In `one type` all of them listen to
the same type, and each has a filter with a value of its own.
"""

import json
import random
import statistics
import time
from datetime import UTC, datetime
from typing import Any

import click

from callboard.ingest import directory
from callboard.ingest.directory import Listener
from callboard.matching.context import Context, TagFilter
from callboard.matching.filters import FilterSettings, compile_filters
from callboard.matching.index import Index
from callboard.matching.patterns import Matcher, compile_patterns
from callboard.matching.subject import Subject
from callboard.webhooks.states import WebhookState

COUNT = 10_000
EVENTS = 200
TYPES = [f"group{number % 10}.type{number}" for number in range(100)]
PARENTS = {f"region.{n}": f"region.{n // 10}" for n in range(10, 1000)}
NOW = datetime(2026, 11, 22, tzinfo=UTC)

Finder = Matcher[Listener, Index[Listener]]


def show() -> None:
    some = random.Random(1)  # noqa: S311  the same webhooks every time
    plain = _finder([(_events(some), FilterSettings()) for _ in range(COUNT)])
    mixed = _finder([(_events(some), _filters(some)) for _ in range(COUNT)])
    crowd = _finder([([TYPES[0]], _own(place)) for place in range(COUNT)])
    click.echo(f"one event against {COUNT:,} webhooks, ms (median, p99), and how many")
    for name, finder, types in (
        ("mixed, without filters", plain, TYPES),
        ("mixed, half with filters", mixed, TYPES),
        ("one type, all with filters", crowd, TYPES[:1]),
    ):
        median, p99, found = _measured(finder, types, some)
        click.echo(f"{name:28}{median:6.2f}{p99:7.2f}{found:7.0f} match")


def _measured(
    finder: Finder, types: list[str], some: random.Random
) -> tuple[float, float, float]:
    """The first event of a type is not counted: it makes the index."""
    for type in types:
        _asked(finder, type, some)
    took, found = zip(
        *(_asked(finder, some.choice(types), some) for _ in range(EVENTS)), strict=True
    )
    p99 = statistics.quantiles(took, n=100)[-1]
    return statistics.median(took), p99, statistics.mean(found)


def _asked(finder: Finder, type: str, some: random.Random) -> tuple[float, int]:
    data = json.dumps(_data(some))
    begun = time.perf_counter()
    subject = Subject(data, NOW, (f"region.{some.randrange(1000)}",))
    found = finder.wanted(type).passing(subject)
    return (time.perf_counter() - begun) * 1000, len(found)


def _finder(webhooks: list[tuple[list[str], FilterSettings]]) -> Finder:
    known: dict[str, Any] = {}

    def compiled(wanted: FilterSettings) -> Any:
        return known.setdefault(str(wanted), compile_filters(wanted, PARENTS))

    return directory.matcher(
        (
            Listener(f"wh_{place}", WebhookState.ACTIVE, 5, filters=compiled(wanted)),
            compile_patterns(events),
        )
        for place, (events, wanted) in enumerate(webhooks)
    )


def _events(some: random.Random) -> list[str]:
    chance = some.random()
    if chance < 0.02:
        return ["*"]
    if chance < 0.10:
        return [f"group{some.randrange(10)}.*"]
    return some.sample(TYPES, 3)


def _filters(some: random.Random) -> FilterSettings:
    zip_code, region = some.randrange(10, 96), some.randrange(1000)
    return some.choice(
        [
            *[FilterSettings()] * 4,
            FilterSettings(filter=f"role=MEMBER;addresses(main).zip={zip_code}.*"),
            FilterSettings(conditions={"region.id": region}),
            FilterSettings(conditions={"age:gte": region % 90, "name:contains": "a"}),
            FilterSettings(
                context=Context((TagFilter(f"region.{region}", True),), ("region.5",))
            ),
        ]
    )


def _own(place: int) -> FilterSettings:
    if place % 2:
        return FilterSettings(filter=f"role=MEMBER;company.id={place % 5000}")
    return FilterSettings(conditions={"company.id": place % 5000, "age:gte": 18})


def _data(some: random.Random) -> dict[str, Any]:
    return {
        "role": some.choice(["MEMBER", "PUBLIC"]),
        "name": some.choice(["Ada", "Grace", "Edith"]),
        "age": some.randrange(90),
        "region": {"id": some.randrange(1000)},
        "company": {"id": some.randrange(5000)},
        "addresses": [
            {"main": place == 1, "zip": f"{some.randrange(10, 96)}001"}
            for place in range(3)
        ],
    }
