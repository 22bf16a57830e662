"""What is measured. Each scenario has an empty installation of its own."""

import json
from dataclasses import dataclass, replace

from bench import ledger, measure, runs, world
from bench.runs import Run
from bench.table import CALLERS, Figures, Percentiles
from bench.world import Servers, World

TYPE = "contact.changed"
DEAD = "dead.changed"
CROWD = "crowd.changed"
SIZE = 200
HEALTHY = 100  # events a second


@dataclass(frozen=True, slots=True)
class Scale:
    """How much each engine is given to do."""

    seconds: float
    window: int
    rate: float
    backlog: int


SCALES = {
    "postgres": Scale(seconds=20, window=2000, rate=1000, backlog=30_000),
    "sqlite": Scale(seconds=12, window=1000, rate=300, backlog=6_000),
}


def ceiling(servers: Servers) -> dict[str, float]:
    """Calls per second that reach the same sink when nothing else is done."""
    with world.running_world(servers, bare=True) as here:
        plan = ["bench.ceiling", f"http://127.0.0.1:{here.sink}/ok", str(SIZE), "20000"]
        return {each: float(world.python(here, *plan, each)) for each in CALLERS}


def steady(
    servers: Servers,
    name: str,
    *,
    window: int,
    seconds: float = 0,
    count: int = 0,
    size: int = SIZE,
    workers: int = 1,
) -> Figures:
    """One webhook, flat out: what is accepted is what is delivered."""
    with world.running_world(servers) as here:
        for number in range(1, workers):
            world.start_worker(here, f"worker{number + 1}")
        _one_webhook(here)
        seconds += runs.WARM_UP
        run = runs.load(here, seconds=seconds, count=count, window=window, size=size)
        figures = _steady_figures(here, name, run)
        figures.compares = size == SIZE
        return figures


def at_rate(servers: Servers, name: str, rate: float, seconds: float) -> Figures:
    """One webhook, so many events a second, sent on time whatever happens."""
    with world.running_world(servers) as here:
        _one_webhook(here)
        run = runs.load(here, rate=rate, seconds=seconds + runs.WARM_UP)
        return _steady_figures(here, name, run)


def idle(servers: Servers, name: str, count: int = 50) -> Figures:
    """Single events into a system that has nothing else to do."""
    with world.running_world(servers) as here:
        _one_webhook(here)
        run = runs.load(here, rate=2.5, seconds=count / 2.5, connections=1)
        figures = Figures(name, percentiles=runs.latencies(run, TYPE))
        return ledger.checked(here, figures, run)


def backlog(servers: Servers, name: str, count: int) -> Figures:
    """Events are taken while no worker runs; then one runs and nothing is taken."""
    with world.running_world(servers, worker=False) as here:
        _one_webhook(here)
        run = runs.load(here, count=count, wait=False)
        figures = Figures(name, accepted=runs.accept_rate(run), compares=True)
        world.start_worker(here)
        with runs.metered(here, run):
            runs.wait_for_all(here, run)
        figures.delivered = runs.arrival_rate(run)
        _add_costs(here, figures, run)
        return ledger.checked(here, figures, run)


def several(servers: Servers, name: str, count: int, workers: int) -> Figures:
    """The same with eight webhooks; counted once all workers have a share of the work,
    and until the first webhook has nothing left."""
    with world.running_world(servers, worker=False) as here:
        types = [f"{TYPE}.{number}" for number in range(8)]
        for type in types:
            world.add_type(here, type)
            world.add_webhook(here, f"/ok/{type}", type)
        run = runs.load(here, count=count, types=types, wait=False)
        for number in range(1, workers + 1):
            world.start_worker(here, "worker" if number == 1 else f"worker{number}")
        with runs.metered(here, run):
            runs.wait_for_all(here, run)
        last = {path: at for _, path, at in run.arrivals}
        times = [at for _, _, at in run.arrivals]
        start, end = min(times) + runs.WARM_UP, min(last.values())
        figures = Figures(name, delivered=runs.within(times, start, end))
        _add_costs(here, figures, run)
        return ledger.checked(here, figures, run)


def fan_out(
    servers: Servers, name: str, webhooks: int = 100, size: int = SIZE
) -> Figures:
    """Each event goes to many webhooks."""
    with world.running_world(servers) as here:
        world.add_type(here, TYPE)
        for number in range(webhooks):
            world.add_webhook(here, f"/ok/{number}", TYPE)
        seconds, window = 20 + runs.WARM_UP, max(2000 // webhooks, 1)
        run = runs.load(here, seconds=seconds, window=window, each=webhooks, size=size)
        return _steady_figures(here, name, run)


def many(servers: Servers, name: str, webhooks: int = 10_000) -> Figures:
    """Many webhooks get one event each: a hundred of them share a type."""
    with world.running_world(servers) as here:
        types = [f"type{number}.changed" for number in range(webhooks // 100)]
        for type in types:
            world.add_type(here, type)
            for number in range(100):
                world.add_webhook(here, f"/ok/{type}/{number}", type)
        run = runs.load(here, count=len(types), types=types, each=100)
        figures = Figures(name, percentiles=runs.latencies(run))
        figures.delivered = runs.arrival_rate(run)
        _add_costs(here, figures, run)
        return ledger.checked(here, figures, run)


def neighbours(servers: Servers, name: str, dead: int, seconds: float) -> Figures:
    """A healthy webhook at 100 events a second, alone and then beside others that never
    answer: each gets one every five seconds, and a call to it takes fifteen."""
    with world.running_world(servers) as here:
        alone = _healthy(here, seconds)
        world.add_type(here, DEAD)
        for number in range(dead):
            world.add_webhook(here, f"/dead/{number}", DEAD)
        return _compared(here, name, alone, seconds, [TYPE] * 499 + [DEAD])


def crowd(
    servers: Servers, name: str, *, waiting: int, seconds: float, quick: bool
) -> Figures:
    """A healthy webhook at 100 events a second, alone and then with so many deliveries
    due for another account's, whose receiver is quick or never answers."""
    with world.running_world(servers) as here:
        alone = _healthy(here, seconds)
        key = json.loads(world.python(here, "bench.inside", "another"))
        other = replace(here, key=key)
        world.add_type(other, CROWD)
        world.add_webhook(other, "/crowd" if quick else "/dead", CROWD)
        world.python(here, "bench.inside", "crowd", CROWD, str(waiting))
        return _compared(here, name, alone, seconds, [TYPE])


def _healthy(here: World, seconds: float) -> Run:
    _one_webhook(here)
    return runs.load(here, rate=HEALTHY, seconds=seconds + runs.WARM_UP)


def _compared(
    here: World, name: str, alone: Run, seconds: float, types: list[str]
) -> Figures:
    """The same minute's machine for both: what they differ by is the company."""
    seconds += runs.WARM_UP
    first = len(alone.sent)
    run = runs.load(
        here, rate=HEALTHY, seconds=seconds, types=types, each=0, first=first
    )
    figures = Figures(name, percentiles=_latencies(run), alone=_latencies(alone))
    figures.memory = measure.peak_megabytes(here.pids)
    run.sent += alone.sent
    run.arrivals += alone.arrivals
    return ledger.checked(here, figures, run, only=TYPE)


def _latencies(run: Run) -> Percentiles | None:
    return runs.latencies(run, TYPE, start=runs.measured(run)[0])


def _one_webhook(here: World) -> None:
    world.add_type(here, TYPE)
    world.add_webhook(here, "/ok", TYPE)


def _steady_figures(here: World, name: str, run: Run) -> Figures:
    start, end = runs.measured(run)
    good = [sent.answered for sent in runs.accepted(run)]
    figures = Figures(name, percentiles=runs.latencies(run, start=start))
    figures.accepted = runs.within(good, start, end)
    figures.delivered = runs.within([at for _, _, at in run.arrivals], start, end)
    _add_costs(here, figures, run)
    return ledger.checked(here, figures, run)


def _add_costs(here: World, figures: Figures, run: Run) -> None:
    thousands = max(len(run.arrivals), 1) / 1000
    figures.cpu = {name: cpu * 1000 / thousands for name, cpu in run.cpu.items()}
    figures.others = 100 * (run.worked - sum(run.cpu.values())) / run.could
    figures.memory = measure.peak_megabytes(here.pids)
    events = max(len(runs.accepted(run)), 1)
    figures.bytes_each = (world.database_bytes(here) - here.empty_bytes) / events
