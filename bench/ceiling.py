"""The ceiling: the bare transport sends what the worker would, and does nothing else.

No database, no queue, no signing (the calls are made beforehand), one process. It is
quickest with few calls in flight; a worker has as many as its webhooks allow.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from time import monotonic

import click
import uvloop

from bench.load import make_data
from callboard import ids
from callboard.delivery.calls import request
from callboard.delivery.calls.request import Call
from callboard.delivery.calls.targets import target_of
from callboard.egress.policy import EgressPolicy, parse_destinations
from callboard.egress.transport import GuardedTransport
from callboard.insight.trial import keyring_of
from callboard.payload.composing import Composer
from callboard.payload.settings import Payload
from callboard.payload.values import Facts
from callboard.webhooks.settings import NewWebhook


def make_calls(url: str, size: int, count: int) -> list[Call]:
    new = NewWebhook(url=url, events=("*",))
    composer = Composer(url, "POST", Payload(), "", {})
    target = target_of(new, composer, keyring_of(new))
    now, data = datetime.now(UTC), make_data(size)
    return [
        request.build(
            target, Facts(ids.make("evt", now), "contact.changed", data, now), 1, now
        )
        for _ in range(count)
    ]


async def measure(calls: Sequence[Call], in_flight: int) -> float:
    """Calls per second."""
    policy = EgressPolicy(parse_destinations("127.0.0.0/8"), (), frozenset())
    transport = GuardedTransport(policy)
    try:
        start = monotonic()
        shared = iter(calls)
        await asyncio.gather(*(_send(transport, shared) for _ in range(in_flight)))
        return len(calls) / (monotonic() - start)
    finally:
        await transport.aclose()


async def _send(transport: GuardedTransport, calls: Iterator[Call]) -> None:
    for call in calls:
        answer = await transport.exchange(
            call.method, call.url, call.headers, call.body
        )
        await answer.read()
        assert answer.status == 200


if __name__ == "__main__":
    url, size, count, in_flight = sys.argv[1], *map(int, sys.argv[2:])
    click.echo(uvloop.run(measure(make_calls(url, size, count), in_flight)))
