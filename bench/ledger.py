"""Was anything lost, or sent twice?

What was answered with 202 is compared with what the sink noted, and then the database
with itself.
"""

import json
import time
from collections import Counter

from bench import runs, world
from bench.runs import Run
from bench.table import Figures
from bench.world import World

_RECORDED_WITHIN = 10.0


def checked(
    here: World, figures: Figures, run: Run, *, only: str | None = None
) -> Figures:
    """`only` events of this type are expected to arrive."""
    good = [sent for sent in runs.accepted(run) if only in (None, sent.type)]
    came = Counter((id, path) for id, path, _ in run.arrivals)
    by_event = Counter(id for id, _ in came)
    figures.deliveries = len(run.arrivals)
    figures.lost = sum(max(s.deliveries - by_event[s.id], 0) for s in good)
    figures.repeated = sum(came.values()) - len(came)
    refused = len(run.sent) - len(runs.accepted(run))
    if refused:
        figures.problems.append(f"{refused} events were not answered with 202")
    figures.problems += world.dead(here)
    figures.problems += _in_the_database(here, all_delivered=only is None)
    return figures


def _in_the_database(here: World, *, all_delivered: bool) -> list[str]:
    deadline = time.monotonic() + _RECORDED_WITHIN
    problems = _found(here, all_delivered)
    while problems and time.monotonic() < deadline:
        time.sleep(1)
        problems = _found(here, all_delivered)
    return problems


def _found(here: World, all_delivered: bool) -> list[str]:
    found = json.loads(world.python(here, "bench.inside", "check"))
    problems = [f"ledger: {finding}" for finding in found["findings"]]
    if all_delivered:
        found["states"].pop("delivered", None)
        problems += [
            f"{n} deliveries are {state}" for state, n in found["states"].items()
        ]
    return problems
