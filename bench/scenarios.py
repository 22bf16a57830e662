"""What is measured. Each scenario has an empty installation of its own."""

import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench import measure, world
from bench.table import Figures
from bench.world import HOME, Servers, World

WARM_UP = 4.0
_STANDSTILL = 20.0
TYPE = "contact.changed"


@dataclass(frozen=True, slots=True)
class Sent:
    began: float
    answered: float
    status: str
    id: str


@dataclass
class Run:
    """One load: what was sent, what arrived as (id, path, time), what it cost."""

    sent: list[Sent]
    arrivals: list[tuple[str, str, float]]
    cpu: dict[str, float]


def steady(servers: Servers, name: str, seconds: float, window: int) -> Figures:
    """One webhook, flat out: what is accepted is what is delivered."""
    with world.running_world(servers) as here:
        _one_webhook(here)
        run = _run(here, f"--seconds={seconds + WARM_UP}", f"--window={window}")
        return _figures(here, name, run)


def at_rate(servers: Servers, name: str, rate: float, seconds: float) -> Figures:
    """One webhook, so many events a second, sent on time whatever happens."""
    with world.running_world(servers) as here:
        _one_webhook(here)
        seconds += WARM_UP
        run = _run(here, f"--rate={rate}", f"--seconds={seconds}")
        return _figures(here, name, run)


def _one_webhook(here: World) -> None:
    world.api(here, "POST", "/event-types", {"name": TYPE})
    world.add_webhook(here, "/ok", TYPE)


def _run(here: World, *plan: str, each: int = 1, wait: bool = True) -> Run:
    before = measure.cpu_seconds(here.pids)
    sent, load_cpu = _load(here, *plan, f"--each={each}")
    arrivals: list[tuple[str, str, float]] = []
    if wait:
        _wait_for(here, each * len(accepted(sent)))
        arrivals = _arrivals(here)
    after = measure.cpu_seconds(here.pids)
    cpu = {name: after[name] - before[name] for name in after}
    return Run(sent, arrivals, cpu | {"load": load_cpu})


def accepted(sent: Sequence[Sent]) -> list[Sent]:
    return [each for each in sent if each.status == "202"]


def _load(here: World, *plan: str) -> tuple[list[Sent], float]:
    """What was sent, and the generator's CPU seconds."""
    where = [f"--web={here.port}", f"--sink={here.sink}", f"--key={here.key}"]
    command = [sys.executable, "-m", "bench.load", *where, *plan]
    before = _children_cpu()
    done = subprocess.run(  # noqa: S603  the command is our own
        command, cwd=HOME, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit("\n".join([done.stderr, *world.dead(here)]))
    sent = []
    for line in done.stdout.splitlines():
        began, answered, status, id = line.split(" ")
        sent.append(Sent(float(began), float(answered), status, id))
    return sent, _children_cpu() - before


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wait_for(here: World, count: int) -> None:
    """Until so many requests arrived, or none for a long while."""
    seen, since = -1, time.monotonic()
    while seen < count and time.monotonic() - since < _STANDSTILL:
        time.sleep(0.05)
        now = int(world.call(here.sink, "GET", "/count") or 0)
        if now != seen:
            seen, since = now, time.monotonic()
    time.sleep(0.5)  # repeats would come now; and results are being recorded


def _arrivals(here: World) -> list[tuple[str, str, float]]:
    text = (world.call(here.sink, "GET", "/arrivals") or b"").decode()
    lines = (line.split(" ") for line in text.splitlines())
    return [(id, path, float(at)) for id, path, at in lines]


def _figures(here: World, name: str, run: Run) -> Figures:
    """Rates from the end of the warm-up to the last event sent."""
    good = accepted(run.sent)
    start = min(each.began for each in run.sent) + WARM_UP
    end = max(each.began for each in run.sent)
    figures = Figures(name, deliveries=len(run.arrivals))
    figures.accepted = _within([each.answered for each in good], start, end)
    figures.delivered = _within([at for _, _, at in run.arrivals], start, end)
    figures.percentiles = latencies(run, start)
    _account(here, figures, run)
    _ledger(here, figures, good, run.arrivals, 1)
    return figures


def _within(times: Sequence[float], start: float, end: float) -> float:
    return sum(start <= at < end for at in times) / (end - start)


def latencies(run: Run, start: float) -> tuple[float, float, float] | None:
    """Of events sent after `start`; of each delivery the first arrival."""
    began = {each.id: each.began for each in run.sent if each.began >= start}
    first: dict[tuple[str, str], float] = {}
    for id, path, at in run.arrivals:
        if id in began:
            first.setdefault((id, path), (at - began[id]) * 1000)
    took = sorted(first.values())
    if not took:
        return None
    p50, p95, p99 = (took[int(len(took) * part)] for part in (0.5, 0.95, 0.99))
    return p50, p95, p99


def _account(here: World, figures: Figures, run: Run) -> None:
    thousands = max(len(run.arrivals), 1) / 1000
    figures.cpu = {name: cpu * 1000 / thousands for name, cpu in run.cpu.items()}
    figures.memory = measure.peak_megabytes(here.pids)
    figures.bytes_each = world.database_bytes(here) / max(len(accepted(run.sent)), 1)


def _ledger(
    here: World,
    figures: Figures,
    good: Sequence[Sent],
    arrivals: Sequence[tuple[str, str, float]],
    each: int,
) -> None:
    """Compares what was answered with 202 with what arrived, and with the database."""
    came = Counter((id, path) for id, path, _ in arrivals)
    by_event = Counter(id for id, _ in came)
    figures.lost = sum(max(each - by_event[sent.id], 0) for sent in good)
    figures.repeated = sum(came.values()) - len(came)
    figures.problems += world.dead(here)
    checked = json.loads(world.inside(here, "check"))
    figures.problems += [f"ledger: {finding}" for finding in checked["findings"]]
    undelivered = checked["states"].keys() - {"delivered"}
    for state in undelivered:
        figures.problems.append(f"{checked['states'][state]} deliveries are {state}")
