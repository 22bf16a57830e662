"""Live traffic beside a replay: what one costs the other."""

import time

from bench import ledger, measure, runs, world
from bench.runs import Run
from bench.scenarios import TYPE
from bench.table import Figures
from bench.world import BrokenError, Servers, World

OLD = "order.remembered"
_AGAIN = "/again"
_ENDS_WITHIN = 900.0


def beside_live(
    servers: Servers, name: str, count: int, rate: float, seconds: float
) -> Figures:
    """Events on time to one webhook, while another one is sent so many again; with
    none, the same alone."""
    with world.running_world(servers) as here:
        world.add_type(here, TYPE)
        world.add_webhook(here, "/ok", TYPE)
        replay = _start(here, count) if count else None
        run = runs.load(here, rate=rate, seconds=seconds + runs.WARM_UP, wait=False)
        if replay:
            _wait(here, replay)
        runs.wait_for_all(here, run)
        start, end = runs.measured(run)
        figures = Figures(name, percentiles=runs.latencies(run, start=start))
        figures.accepted = runs.within([s.answered for s in run.sent], start, end)
        figures.delivered = _rate(run, "/ok", start, end)
        if count:
            figures.replayed = _rate(run, _AGAIN, start, end)
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


def _wait(here: World, replay: str) -> None:
    deadline = time.monotonic() + _ENDS_WITHIN
    while world.api(here, "GET", replay)["state"] == "running":
        if time.monotonic() > deadline:
            raise BrokenError("The replay does not end.")
        time.sleep(0.5)


def _rate(run: Run, path: str, start: float, end: float) -> float:
    return runs.within([at for _, to, at in run.arrivals if to == path], start, end)
