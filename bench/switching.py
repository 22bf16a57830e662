"""How long a change of a webhook's state takes, whatever waits for it."""

import json
import time
from dataclasses import replace

import click

from bench import world
from bench.table import Figures
from bench.talk import call
from bench.world import Servers, World

SIZES = (10, 1_000_000)
_STEPS = (
    ("GET", "", None),
    ("POST", "/pause", None),
    ("GET", "", None),
    ("POST", "/activate", {"held": "deliver"}),
    ("POST", "/deactivate", None),
    ("POST", "/activate", {"held": "discard"}),
    ("POST", "/pause", None),
    ("DELETE", "", None),
)


def run(servers: Servers, name: str) -> Figures:
    """Prints milliseconds of each call, with few and with very many waiting. No worker
    runs: the waiting deliveries follow a change in steps of their own."""
    with world.running_world(servers, worker=False) as here:
        columns = [_measure(here, size) for size in SIZES]
    click.echo(f"{'ms, so many waiting':<28}" + "".join(f"{n:>12,}" for n in SIZES))
    for place, (method, path, held) in enumerate(_STEPS):
        what = f"{method} webhook{path} {(held or {}).get('held', '')}"
        cells = "".join(f"{column[place]:>12.1f}" for column in columns)
        click.echo(f"{what:<28}{cells}")
    return Figures(name)


def _measure(here: World, waiting: int) -> list[float]:
    """Of an account of its own; the first call of all is not counted."""
    key = json.loads(world.python(here, "bench.inside", "another"))
    other = replace(here, key=key)
    type = f"crowd.of{waiting}"
    world.add_type(other, type)
    webhook = world.add_webhook(other, "/ok", type)
    world.python(here, "bench.inside", "crowd", type, str(waiting))
    world.api(other, "GET", f"/webhooks/{webhook}")
    return [_timed(other, webhook, *step) for step in _STEPS]


def _timed(
    here: World, webhook: str, method: str, path: str, body: dict[str, str] | None
) -> float:
    begun = time.perf_counter()
    headers = {"Authorization": f"Bearer {here.key}"}
    address = f"/api/v1/webhooks/{webhook}{path}"
    answer = call(here.port, method, address, json.dumps(body or {}), headers)
    took = (time.perf_counter() - begun) * 1000
    if answer is None or b'"error"' in answer:
        raise world.BrokenError(f"{method} {address} was refused: {answer!r}")
    return took
