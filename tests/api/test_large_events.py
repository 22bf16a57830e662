"""Sending large events: up to a bound, and no more at once than memory bears."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callboard.delivery.tables import Event
from callboard.ingest.intake import Intake
from tests.engine import cancelled
from tests.events_api import BODY, post
from tests.receiver import WITHIN
from web.api import bodies

KIB = 1024

pytestmark = pytest.mark.usefixtures("contact_created")


class TestSize:
    async def test_256_kib_is_the_most(self, api):
        around = len(b'{"type":"contact.created","data":""}')
        for size, status in ((256 * KIB, 202), (256 * KIB + 1, 413)):
            data = "x" * (size - around)
            body = f'{{"type":"contact.created","data":"{data}"}}'.encode()
            assert len(body) == size
            answer = await api.post("/api/v1/events", content=body)
            assert answer.status_code == status
        assert answer.json()["error"]["code"] == "too_large"

    async def test_reading_stops_when_it_is_too_much(self, api):
        """Also when no length was announced."""
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while sent < 100:
                sent += 1
                yield b" " * 64 * KIB

        for path, most in (("", 5), ("/batch", 129)):
            sent = 0
            answer = await api.post(f"/api/v1/events{path}", content=endless())
            assert answer.status_code == 413 or most > 100
            assert sent <= most

    async def test_a_batch_holds_8_mib(self, api):
        body = b'{"events": [' + b" " * 8 * KIB * KIB + b"]}"
        answer = await api.post("/api/v1/events/batch", content=body)
        assert answer.status_code == 413

    async def test_an_event_in_a_batch_holds_256_kib(self, api):
        large = BODY | {"data": "x" * 256 * KIB}
        answer = await post(api, {"events": [BODY, large]}, "/batch")
        assert answer.status_code == 413
        assert "events[1]" in answer.json()["error"]["message"]
        fits = BODY | {"data": "x" * 255 * KIB}
        answer = await post(api, {"events": [BODY, fits, fits]}, "/batch")
        assert answer.status_code == 202


class TestLargeBodies:
    """They come in parts, of which the sender may be late with the rest."""

    async def test_one_that_comes_too_slowly_is_given_up(self, api, monkeypatch):
        monkeypatch.setattr(bodies, "_SECONDS", 0.05)
        answer = await api.post("/api/v1/events", content=parts(asyncio.Event()))
        assert answer.status_code == 408
        assert answer.json()["error"]["code"] == "too_slow"

    async def test_one_of_which_nothing_comes_keeps_no_room(
        self, api, runtime, monkeypatch
    ):
        monkeypatch.setattr(runtime.acceptor, "intake", Intake(256 * KIB))

        async def nothing() -> AsyncIterator[bytes]:
            await asyncio.Event().wait()
            yield b""

        silent = asyncio.create_task(api.post("/api/v1/events", content=nothing()))
        async with asyncio.timeout(WITHIN):
            large = await post(api, BODY | {"data": "x" * 100 * KIB})
        assert large.status_code == 202
        await cancelled(silent)

    async def test_one_waits_until_there_is_room_and_the_small_do_not(
        self, api, runtime, monkeypatch
    ):
        monkeypatch.setattr(runtime.acceptor, "intake", Intake(256 * KIB))
        rest = asyncio.Event()
        first = asyncio.create_task(
            api.post("/api/v1/events", content=parts(rest, begun := asyncio.Event()))
        )
        await begun.wait()
        second = asyncio.create_task(post(api, BODY | {"data": "x" * 100 * KIB}))
        assert (await post(api, BODY)).status_code == 202
        assert await Event.count() == 1
        rest.set()
        assert [(await each).status_code for each in (first, second)] == [202, 202]
        types = await Event.select(Event.data).order_by(Event.id)
        assert [len(row["data"]) for row in types][1:] == [4, 100 * KIB + 2]


async def parts(
    rest: asyncio.Event, begun: asyncio.Event | None = None
) -> AsyncIterator[bytes]:
    """An event, of which the rest may be late."""
    yield b'{"type":"contact.created",'
    if begun:
        begun.set()
    await rest.wait()
    yield b'"data":null}'
