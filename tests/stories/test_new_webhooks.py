"""Webhooks that nobody has called yet have few places, and wait little for them."""

import asyncio

import pytest

from callboard.delivery import lanes
from tests.engine import Engine


async def test_their_places_are_filled_again_when_half_of_them_are_free(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    """Beside a call that lasts; by time alone they would be looked at much later."""
    monkeypatch.setattr(lanes, "_OTHERS", 60.0)
    gate = engine.receiver.close_gate("/slow")
    for path in ("/slow", *map("/{}".format, range(6))):
        await engine.webhook(path)
    async with engine.working(places=8), asyncio.timeout(20):
        await engine.post()
        await engine.receiver.got(7)
        gate.set()
        await engine.settled()
    assert await engine.states() == ["delivered"] * 7
