"""Live traffic beside a replay: what one costs the other.

Both in one run and in turns, the replay paused and going: a machine that is quicker at
one time than at another would otherwise be taken for a cost.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

import click

from bench import ledger, measure, runs, world
from bench.runs import Run
from bench.scenarios import TYPE
from bench.table import PARTS, Figures, Percentiles
from bench.world import BrokenError, Servers, World

OLD = "order.remembered"
_AGAIN = "/again"
_ENDS_WITHIN = 900.0
_TURN = 5.0
_SETTLES = 1.0  # after each change

_Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Turns:
    """When the replay was paused, when it was going, and when it was all there was."""

    alone: list[_Span]
    beside: list[_Span]
    only: _Span


def beside_live(
    servers: Servers, name: str, count: int, rate: float, pairs: int
) -> Figures:
    """Events on time to one webhook, while another one is now and then sent some of so
    many again; in the end the rest of them with nothing beside."""
    with world.running_world(servers) as here:
        world.add_type(here, TYPE)
        world.add_webhook(here, "/ok", TYPE)
        replay = _start(here, count)
        seconds = runs.WARM_UP + 2 * pairs * _TURN
        with ThreadPoolExecutor(1) as beside:
            world.api(here, "POST", f"{replay}/pause")
            loading = beside.submit(
                runs.load, here, rate=rate, seconds=seconds, wait=False
            )
            alone, going = _take_turns(here, replay, pairs)
            run = loading.result()
        turns = Turns(alone, going, _finish(here, replay))
        runs.wait_for_all(here, run)
        figures = _figures(name, run, turns)
        figures.memory = measure.peak_megabytes(here.pids)
        return ledger.checked(here, figures, run)


def _start(here: World, count: int) -> str:
    """The path of a replay of all that a new webhook has missed."""
    world.add_type(here, OLD)
    world.python(here, "bench.inside", "remember", OLD, str(count))
    webhook = world.add_webhook(here, _AGAIN, OLD)
    wanted = {"webhook": webhook, "missing": True}
    made = world.api(here, "POST", "/replays", wanted)
    if made.get("total") != count:
        raise BrokenError(f"A replay was refused: {made}")
    return f"/replays/{made['id']}"


def _take_turns(
    here: World, replay: str, pairs: int
) -> tuple[list[_Span], list[_Span]]:
    time.sleep(runs.WARM_UP)
    alone, beside = list[_Span](), list[_Span]()
    for _ in range(pairs):
        for spans, change in ((alone, "pause"), (beside, "resume")):
            begun = time.monotonic()
            world.api(here, "POST", f"{replay}/{change}")
            time.sleep(begun + _TURN - time.monotonic())
            spans.append((begun + _SETTLES, begun + _TURN))
    return alone, beside


def _finish(here: World, replay: str) -> _Span:
    """Not counted: the time until live traffic is forgotten, and the last second."""
    begun = time.monotonic() + 3 * _SETTLES
    deadline = begun + _ENDS_WITHIN
    while world.api(here, "GET", replay)["state"] == "running":
        if time.monotonic() > deadline:
            raise BrokenError("The replay does not end.")
        time.sleep(0.5)
    return begun, time.monotonic() - 1.0


def _figures(name: str, run: Run, turns: Turns) -> Figures:
    alone = [_latencies(run, span) for span in turns.alone]
    beside = [_latencies(run, span) for span in turns.beside]
    times = [at for _, path, at in run.arrivals if path == _AGAIN]
    rate = median(runs.within(times, *span) for span in turns.beside)
    only = runs.within(times, *turns.only)
    _show(alone, beside, rate, only)
    live = [at for _, path, at in run.arrivals if path != _AGAIN]
    figures = Figures(name, percentiles=_middle(beside), alone=_middle(alone))
    figures.replayed = rate
    figures.delivered = median(runs.within(live, *span) for span in turns.beside)
    return figures


def _latencies(run: Run, span: _Span) -> Percentiles:
    start, end = span
    found = runs.latencies(run, start=start, end=end)
    if found is None:
        raise BrokenError("Nothing was received for a whole turn.")
    return found


def _show(
    alone: Sequence[Percentiles],
    beside: Sequence[Percentiles],
    rate: float,
    only: float,
) -> None:
    pairs = zip(alone, beside, strict=True)
    ratios = [tuple(b / a for a, b in zip(*pair, strict=True)) for pair in pairs]
    lines = {
        "live alone": _middle(alone),
        "beside a replay": _middle(beside),
        f"ratio, middle of {len(ratios)} pairs": _middle(ratios),
        "lowest pair": tuple(map(min, zip(*ratios, strict=True))),
        "highest pair": tuple(map(max, zip(*ratios, strict=True))),
    }
    click.echo(f"{'ms':<28}" + "".join(f"{part:>8}" for part in PARTS))
    for name, cells in lines.items():
        click.echo(f"{name:<28}" + "".join(f"{cell:>8.2f}" for cell in cells))
    click.echo(f"replayed /s beside live traffic {rate:,.0f}, by itself {only:,.0f}")


def _middle(each: Sequence[tuple[float, ...]]) -> Percentiles:
    p50, p95, p99 = (median(column) for column in zip(*each, strict=True))
    return p50, p95, p99
