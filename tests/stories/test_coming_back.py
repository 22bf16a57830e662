"""A receiver stays away and comes back: what a program sees and does about it."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.engine import TYPE, Engine, eventually
from tests.receiver import Answer

API = "/api/v1"


@pytest.fixture
async def outage(engine: Engine) -> str:
    """A webhook that was deactivated by its first event, and holds four more."""
    webhook = await engine.webhook(name="CRM", schedule=(1,), hold_days=2)
    engine.receiver.usually["/"] = Answer(503)
    async with engine.working():
        await engine.post(b"0")
        await engine.receiver.got(1)
        engine.skip(1)
        await engine.deactivated(webhook)
        for number in range(1, 5):
            await engine.post(b"%d" % number)
    engine.receiver.usually.clear()
    engine.receiver.calls.clear()
    return webhook


async def states(api: httpx.AsyncClient) -> list[tuple[str, Any]]:
    """With the reason, the oldest first."""
    items = (await api.get(f"{API}/deliveries")).json()["items"]
    return [(each["state"], each["reason"]) for each in reversed(items)]


async def activate(api: httpx.AsyncClient, webhook: str, **how: Any) -> httpx.Response:
    return await api.post(f"{API}/webhooks/{webhook}/activate", json=how)


async def replayed(
    api: httpx.AsyncClient, engine: Engine, webhook: str, **what: Any
) -> dict[str, Any]:
    answer = await api.post(f"{API}/replays", json={"webhook": webhook} | what)
    assert answer.status_code == 201, answer.text
    path = f"{API}/replays/{answer.json()['id']}"

    async def over() -> bool:
        return bool((await api.get(path)).json()["finished_at"])

    async with engine.working():
        await eventually(over)
    return (await api.get(path)).json()


async def test_what_is_discarded_never_arrives_unless_it_is_replayed(
    api: httpx.AsyncClient, engine: Engine, outage: str
):
    shown = (await api.get(f"{API}/webhooks/{outage}")).json()
    assert (shown["state"], shown["held"]) == ("deactivated", 5)
    refused = await activate(api, outage)
    assert refused.status_code == 422
    assert refused.json()["error"]["problems"][0]["field"] == "held"
    async with engine.working():
        answer = await activate(api, outage, held="discard")
        assert answer.json()["state"] == "active"
        await engine.settled()
        event = {"type": TYPE, "data": "live"}
        await api.post(f"{API}/events", json=event)
        await engine.receiver.got(1)
        await engine.settled()
    assert [call.data for call in engine.receiver.calls] == ["live"]
    assert await states(api) == [
        *[("cancelled", "discarded")] * 5,
        ("delivered", None),
    ]
    assert (await api.get(f"{API}/webhooks/{outage}")).json()["held"] == 0
    report = await replayed(api, engine, outage, states=["cancelled"])
    assert (report["total"], report["delivered"]) == (5, 5)
    got = sorted(call.data for call in engine.receiver.calls[1:])
    assert got == [0, 1, 2, 3, 4]


async def test_it_is_told_how_much_is_held_since_when_and_until_when(
    api: httpx.AsyncClient, engine: Engine, outage: str
):
    rows = await engine.rows("SELECT created_at FROM delivery ORDER BY seq")
    shown = (await api.get(f"{API}/webhooks/{outage}")).json()
    holding = shown["holding"]
    assert (shown["held"], holding["about_bytes"]) == (5, len("01234"))
    oldest = datetime.fromisoformat(holding["oldest_at"])
    expires = datetime.fromisoformat(holding["first_expires_at"])
    assert oldest == rows[0]["created_at"] < rows[1]["created_at"]
    assert expires == oldest + timedelta(days=2)


async def expired(api: httpx.AsyncClient, engine: Engine, days: float) -> None:
    """Waits so long with the webhook deactivated."""
    engine.skip(timedelta(days=days).total_seconds())

    async def met() -> bool:
        return await states(api) == [("expired", "held too long")] * 5

    async with engine.working():
        await eventually(met)


async def test_what_was_held_too_long_has_expired_and_can_be_replayed(
    api: httpx.AsyncClient, engine: Engine, outage: str
):
    await expired(api, engine, 2.1)
    assert (await api.get(f"{API}/webhooks/{outage}")).json()["held"] == 0
    assert (await activate(api, outage)).json()["state"] == "active"
    await engine.work()
    assert engine.receiver.calls == []
    report = await replayed(api, engine, outage, states=["expired"])
    assert (report["total"], report["delivered"]) == (5, 5)
    assert sorted(call.data for call in engine.receiver.calls) == [0, 1, 2, 3, 4]


async def test_what_came_after_the_days_of_holding_is_told_and_can_be_replayed(
    api: httpx.AsyncClient, engine: Engine, outage: str
):
    await expired(api, engine, 2.5)
    await engine.post(b"5")
    assert (await states(api))[-1] == ("expired", "not kept")
    await activate(api, outage)
    report = await replayed(api, engine, outage, missing=True)
    # The first was tried, so it is not among what was never sent.
    assert (report["total"], report["delivered"]) == (5, 5)
    assert sorted(call.data for call in engine.receiver.calls) == [1, 2, 3, 4, 5]
