"""What a hostile receiver sent comes through the API as it was."""

import httpx

from tests.engine import Engine
from tests.hostile import HOSTILE_TEXT
from tests.receiver import Answer

MARKUP = "<img src=x onerror=alert(1)>\u202e=cmd()"


async def test_it_is_text_in_json(api: httpx.AsyncClient, engine: Engine):
    answer = Answer(302, (("X-A", MARKUP),), HOSTILE_TEXT)
    engine.receiver.usually["/"] = answer
    await engine.webhook(schedule=(), deactivate_after=None)
    async with engine.working():
        await engine.post()
        await engine.settled()
    (id,) = await engine.deliveries()
    told = (await api.get(f"/api/v1/deliveries/{id}")).json()
    (attempt,) = told["attempts"]
    assert attempt["response"]["body"] == HOSTILE_TEXT.decode("utf-8", "replace")
    assert ["X-A", MARKUP] in [[*pair] for pair in attempt["response"]["headers"]]
    assert told["state"] == "failed"
