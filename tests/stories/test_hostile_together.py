"""All hostile receivers at once, through the whole engine, beside a good one."""

import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from callboard import ids
from callboard.delivery import reading
from callboard.outcome import ErrorClass
from callboard.payload.settings import Payload
from tests.engine import Engine
from tests.hostile import ANSWERED, BROKEN_BODY, HOSTILE_TEXT, NO_STATUS, receiving

TIMEOUT = 1
LATEST = 3.0  # where all of them run at once on two cores
FAIL = {**NO_STATUS, **BROKEN_BODY}


@dataclass
class Crowd:
    """`named`: which case each webhook calls."""

    engine: Engine
    named: dict[str, str] = field(default_factory=dict)

    async def add(self, name: str, behave: Any, stack: AsyncExitStack) -> None:
        port = await stack.enter_async_context(receiving(behave))
        webhook = await self.engine.webhook(
            url=f"http://127.0.0.1:{port}/",
            name=name,
            payload=Payload(format="data"),
            timeout=TIMEOUT,
            schedule=(),
        )
        self.named[webhook] = name

    async def found(self) -> dict[str, reading.DeliveryView]:
        rows = await self.engine.rows("SELECT seq, webhook FROM delivery")
        return {
            self.named[row["webhook"]]: await reading.get(
                self.engine.account, ids.from_sequence("dlv", row["seq"])
            )
            for row in rows
            if row["webhook"] in self.named
        }


async def test_each_is_one_failed_attempt_and_harms_no_other(
    engine: Engine, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    crowd = Crowd(engine)
    good = await engine.webhook("/good", payload=Payload(format="data"))
    async with AsyncExitStack() as stack:
        for name, (behave, _) in (FAIL | ANSWERED).items():
            await crowd.add(name, behave, stack)
        await engine.post(b"{}")
        async with engine.working():
            await engine.receiver.got(1, "/good")
            await engine.settled()
    assert await engine.states(good) == ["delivered"]
    found = await crowd.found()
    assert found.keys() == FAIL.keys() | ANSWERED.keys()
    for name, story in found.items():
        (attempt,) = story.attempts
        assert attempt.seconds < TIMEOUT + LATEST, name
        if name in ANSWERED:
            assert (story.state, attempt.error) == ("delivered", None), name
            assert attempt.response.body == ANSWERED[name][1], name
        else:
            assert (story.state, attempt.error) == ("failed", FAIL[name][1]), name
            assert attempt.error in {*ErrorClass}, name
    told = caplog.text.encode()
    assert HOSTILE_TEXT[:8] not in told
    assert b"\x1b" not in told
