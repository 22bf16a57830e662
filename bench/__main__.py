"""`python -m bench`: prints one table, fails only if something was lost or repeated."""

import os
import platform
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import mean

import click

from bench import matching, replays, scenarios, switching, table
from bench.scenarios import SCALES, SIZE
from bench.table import CALLERS, Figures
from bench.talk import ask
from bench.world import (
    WEBHOOK_CONCURRENCY,
    BrokenError,
    Servers,
    running_servers,
)

Scenario = Callable[[Servers, str], Figures]


@click.command()
@click.option("--engine", envvar="ENGINE", default="postgres,sqlite", show_default=True)
@click.option("--long", is_flag=True, help="Run everything: about half an hour.")
@click.option("--only", default="", help="Run scenarios whose name contains this.")
def main(engine: str, long: bool, only: str) -> None:
    """Measures Callboard from end to end on this machine."""
    found: list[Figures] = []
    for name in engine.split(","):
        with running_servers(name) as servers:
            _introduce(servers)
            plan = _short(name) | _more(name, long or bool(only))
            wanted = _picked(plan, only)
            found += _measure(servers, wanted) if wanted else []
    if found:
        click.echo()
        table.show(found)
    if only in "matching":
        click.echo()
        matching.show()
    for each in found:
        for problem in each.problems:
            click.echo(f"{each.name}: {problem}", err=True)
    sys.exit(any(each.problems or each.lost or each.repeated for each in found))


def _picked(plan: dict[str, Scenario], only: str) -> dict[str, Scenario]:
    if only in plan:
        return {only: plan[only]}
    return {title: run for title, run in plan.items() if only in title}


def _short(engine: str) -> dict[str, Scenario]:
    scale = SCALES[engine]
    mark = " (SQLite)" if engine == "sqlite" else ""
    steady = partial(scenarios.steady, seconds=scale.seconds, window=scale.window)
    at_rate = partial(scenarios.at_rate, rate=scale.rate, seconds=12)
    return {
        f"steady{mark}": steady,
        f"{scale.rate:.0f}/s{mark}": at_rate,
        f"backlog{mark}": partial(scenarios.backlog, count=scale.backlog),
        f"idle{mark}": scenarios.idle,
    }


def _more(engine: str, wanted: bool) -> dict[str, Scenario]:
    if not wanted or engine != "postgres":
        return {}
    steady = partial(scenarios.steady, seconds=20, window=2000)
    crowd = partial(scenarios.crowd, seconds=40)
    several = partial(scenarios.several, count=60_000)
    return {
        "2 workers": partial(steady, workers=2),
        "8 webhooks, 1 worker": partial(several, workers=1),
        "8 webhooks, 2 workers": partial(several, workers=2),
        "100 B": partial(steady, size=100),
        "10 kB": partial(steady, size=10_000),
        "200 kB": partial(steady, size=200_000, window=200),
        "fan-out": scenarios.fan_out,
        "fan-out 1 000": partial(scenarios.fan_out, webhooks=1000),
        "fan-out 250 kB": partial(scenarios.fan_out, webhooks=600, size=250_000),
        "many": scenarios.many,
        "replay": partial(replays.beside_live, count=100_000, rate=500, pairs=8),
        "1 000 dead": partial(scenarios.neighbours, dead=1000, seconds=40),
        "1 000 000 wait": partial(crowd, waiting=1_000_000, quick=False),
        "1 000 000 go": partial(crowd, waiting=1_000_000, quick=True),
        "switching": switching.run,
        "200 000": partial(scenarios.backlog, count=200_000),
        "1 000 000": partial(steady, count=1_000_000),
    }


def _measure(servers: Servers, plan: dict[str, Scenario]) -> list[Figures]:
    """The ceiling is measured between all scenarios, for a machine that is shared may
    be twice as fast some minutes later: each is compared with the two beside it."""
    found = []
    ceilings = [scenarios.ceiling(servers)]
    for name, run in plan.items():
        figures = _run(servers, name, run)
        ceilings.append(scenarios.ceiling(servers))
        if figures.delivered and figures.compares:
            for caller in CALLERS:
                beside = mean(each[caller] for each in ceilings[-2:])
                figures.of_ceiling[caller] = 100 * figures.delivered / beside
        found.append(figures)
    for caller, name in CALLERS.items():
        calls = [each[caller] for each in ceilings]
        click.echo(f"{name} alone: {min(calls):,.0f} to {max(calls):,.0f} calls/s")
    return found


def _run(servers: Servers, name: str, run: Scenario) -> Figures:
    click.echo(f"{name} …", err=True)
    begun = time.monotonic()
    try:
        return run(servers, name)
    except BrokenError as problem:
        return Figures(name, problems=[str(problem)])
    finally:
        click.echo(f"{name} took {time.monotonic() - begun:.0f} s", err=True)


def _introduce(servers: Servers) -> None:
    lines = [f"load average now {os.getloadavg()[0]:.1f}: best when nothing else runs"]
    if servers.postgres:
        version = ask(servers.postgres, "SHOW server_version")
        lines.append(f"PostgreSQL {version}, fsync and synchronous_commit on")
    else:
        lines.append("SQLite, WAL, synchronous FULL")
    lines += [
        f"{os.cpu_count()} cores",
        f"Python {platform.python_version()} in {sys.base_prefix}",
        "one web and one worker process, Redis, sink and load generator beside them",
        f"events of {SIZE} bytes of data with the sender's key, 192 connections",
        f"webhooks: signed, up to {WEBHOOK_CONCURRENCY} calls in flight",
    ]
    click.echo("\n".join(lines))


if __name__ == "__main__":
    main()
