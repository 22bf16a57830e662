"""One load on a world: what was sent, what arrived, what it cost; and figures of it."""

import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf

from bench import measure, world
from bench.table import Percentiles
from bench.talk import call
from bench.world import World

WARM_UP = 4.0
_STANDSTILL = 20.0
_REPEATS_WITHIN = 1.0


@dataclass(frozen=True, slots=True)
class Sent:
    """`deliveries`: what the receipt said."""

    began: float
    answered: float
    status: str
    id: str
    type: str
    deliveries: int


@dataclass
class Run:
    """`arrivals`: id, path and time; `cpu`: seconds by process.

    `worked`, `could`: seconds of all cores, which somebody else may have used too.
    """

    sent: list[Sent]
    arrivals: list[tuple[str, str, float]] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    worked: float = 0.0
    could: float = 0.0


def load(
    here: World, *, wait: bool = True, types: Sequence[str] = (), **plan: float
) -> Run:
    """Options as `bench.load` has them; waits until everything has arrived."""
    options = [f"--{name}={value}" for name, value in plan.items()]
    if types:
        options.append(f"--types={','.join(types)}")
    where = [f"--web={here.port}", f"--sink={here.sink}", f"--key={here.key}"]
    run = Run([])
    with metered(here, run):
        before = _children_cpu()
        text = world.python(here, "bench.load", *where, *options)
        run.cpu["load"] = _children_cpu() - before
        run.sent = [_read(line) for line in text.splitlines()]
        if wait:
            wait_for_all(here, run)
    return run


def wait_for_all(here: World, run: Run) -> None:
    """Until everything has arrived that will, or nothing does for a long while."""
    count = sum(each.deliveries for each in accepted(run))
    seen, since = -1, time.monotonic()
    while seen < count and time.monotonic() - since < _STANDSTILL:
        time.sleep(0.05)
        now = int(call(here.sink, "GET", "/count") or 0)
        if now != seen:
            seen, since = now, time.monotonic()
    time.sleep(_REPEATS_WITHIN)
    text = (call(here.sink, "GET", "/arrivals") or b"").decode()
    lines = (line.split(" ") for line in text.splitlines())
    run.arrivals = [(id, path, float(at)) for id, path, at in lines]


@contextmanager
def metered(here: World, run: Run) -> Iterator[None]:
    before, machine = measure.cpu_seconds(here.pids), measure.machine_seconds()
    run.cpu = {}
    yield
    after = measure.cpu_seconds(here.pids)
    run.cpu |= {name: after[name] - before[name] for name in after}
    worked, could = measure.machine_seconds()
    run.worked, run.could = worked - machine[0], could - machine[1]


def accepted(run: Run) -> list[Sent]:
    return [each for each in run.sent if each.status == "202"]


def measured(run: Run) -> tuple[float, float]:
    """From the end of the warm-up to the last event sent."""
    began = [each.began for each in run.sent]
    return min(began) + WARM_UP, max(began)


def within(times: Sequence[float], start: float, end: float) -> float:
    """How many a second."""
    return sum(start <= at < end for at in times) / (end - start)


def accept_rate(run: Run) -> float:
    good = accepted(run)
    first = min(each.began for each in good)
    return len(good) / (max(each.answered for each in good) - first)


def arrival_rate(run: Run) -> float:
    times = [at for _, _, at in run.arrivals]
    return len(times) / (max(times) - min(times))


def latencies(
    run: Run, type: str | None = None, *, start: float = 0.0, end: float = inf
) -> Percentiles | None:
    """Milliseconds from when an event was due to be sent to when it was received.

    Of events of this type sent from `start` to `end`, and of each delivery the first
    arrival.
    """
    began = {
        each.id: each.began
        for each in run.sent
        if start <= each.began < end and type in (None, each.type)
    }
    first: dict[tuple[str, str], float] = {}
    for id, path, at in run.arrivals:
        if id in began:
            first.setdefault((id, path), (at - began[id]) * 1000)
    took = sorted(first.values())
    if not took:
        return None
    p50, p95, p99 = (took[int(len(took) * part)] for part in (0.5, 0.95, 0.99))
    return p50, p95, p99


def _read(line: str) -> Sent:
    began, answered, status, id, type, deliveries = line.split(" ")
    count = int(deliveries) if status == "202" else 0
    return Sent(float(began), float(answered), status, id, type, count)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
