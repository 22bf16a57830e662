"""The ceiling: what the worker would send is sent, and nothing else is done.

No database, no queue, no signing (the calls are made beforehand), one process. Once by
the HTTP library as it comes: the floors are held against it, for it stays the same
whatever we do. Once by our own transport: that is quicker, and each step that it sheds
makes the engine beside it look slower.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from time import monotonic

import aiohttp
import click
import uvloop

from bench.load import make_data
from bench.world import WEBHOOK_CONCURRENCY
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
from callboard.runtime import spare_the_collector
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


async def by_library(calls: Sequence[Call]) -> float:
    """Calls per second."""
    connector = aiohttp.TCPConnector(limit=WEBHOOK_CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send(call: Call) -> int:
            async with session.request(
                call.method, call.url, headers=call.headers, data=call.body
            ) as answer:
                await answer.read()
                return answer.status

        return await _measure(calls, send)


async def by_transport(calls: Sequence[Call]) -> float:
    """Calls per second."""
    policy = EgressPolicy(parse_destinations("127.0.0.0/8"), (), frozenset())
    transport = GuardedTransport(policy)

    async def send(call: Call) -> int:
        answer = await transport.exchange(
            call.method, call.url, call.headers, call.body
        )
        await answer.read()
        return answer.status

    try:
        return await _measure(calls, send)
    finally:
        await transport.aclose()


async def _measure(
    calls: Sequence[Call], send: Callable[[Call], Awaitable[int]]
) -> float:
    """With as many in flight as the webhook has."""
    shared = iter(calls)

    async def one_after_another() -> None:
        for call in shared:
            assert await send(call) == 200

    start = monotonic()
    await asyncio.gather(*(one_after_another() for _ in range(WEBHOOK_CONCURRENCY)))
    return len(calls) / (monotonic() - start)


if __name__ == "__main__":
    url, size, count = sys.argv[1], *map(int, sys.argv[2:4])
    calls = make_calls(url, size, count)
    spare_the_collector()  # as the worker does
    measure = {"library": by_library, "transport": by_transport}[sys.argv[4]]
    click.echo(uvloop.run(measure(calls)))
