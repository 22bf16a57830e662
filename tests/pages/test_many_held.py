"""More is held than anybody would count by hand: it is counted all the same."""

import httpx

from callboard.database import writing
from callboard.delivery import following, ledger
from callboard.delivery.following.course import STEP
from callboard.delivery.ledger import NewDelivery
from callboard.delivery.states import DeliveryState
from tests.engine import Engine
from tests.pages.signed_in import seen

MANY = 10_007


async def crowd(engine: Engine) -> str:
    """A paused webhook for which so many wait; of the first thousand it is written
    already that they are held."""
    webhook = await engine.webhook("/crowded")
    now, event = engine.runtime.clock(), (await engine.post()).id
    more = NewDelivery.on_request(engine.account, webhook, event, None, now, now)
    async with writing() as db:
        await ledger.enter(db, [more] * (MANY - 1), now)
    await engine.pause(webhook)
    async with writing() as db:
        await following.follow(db, webhook, now)
    states = await engine.states()
    assert states.count(DeliveryState.HELD) == STEP
    return webhook


async def test_the_pages_say_how_many_to_the_last_one(alice, engine: Engine):
    webhook = await crowd(engine)
    said = seen(await alice.get(f"/webhooks/{webhook}"))
    assert "10 007 deliveries are held, about 20.0 kB, the oldest since" in said
    assert "10 007 held" in seen(await alice.get("/webhooks"))
    assert "10 007 held" in seen(await alice.get("/"))
    asked = seen(await alice.get(f"/webhooks/{webhook}/activate"))
    assert "10 007 deliveries are held." in asked
    asked = seen(await alice.get(f"/webhooks/{webhook}/delete"))
    assert "10 007 held deliveries are cancelled." in asked


async def test_the_api_says_how_many_to_the_last_one(
    api: httpx.AsyncClient, engine: Engine
):
    path = f"/api/v1/webhooks/{await crowd(engine)}"
    shown = (await api.get(path)).json()
    assert (shown["held"], shown["holding"]["about_bytes"]) == (MANY, 2 * MANY)
    (line,) = (await api.get("/api/v1/webhooks")).json()["items"]
    assert line["held"] == MANY
    refused = (await api.post(f"{path}/activate")).json()
    (problem,) = refused["error"]["problems"]
    assert problem["message"].startswith(f"{MANY} deliveries are held: choose")


async def test_no_change_of_state_waits_for_so_many_to_be_counted(
    api: httpx.AsyncClient, engine: Engine
):
    path = f"/api/v1/webhooks/{await crowd(engine)}"
    for act in ("deactivate", "activate", "pause"):
        body = {"held": "deliver"} if act == "activate" else None
        changed = (await api.post(f"{path}/{act}", json=body)).json()
        assert changed["held"] is None
        assert "holding" not in changed
        assert (await api.get(path)).json()["held"] == MANY
