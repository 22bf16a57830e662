"""More is held than anybody would count by hand: it is counted, but not endlessly."""

import httpx

from callboard.database import writing
from callboard.delivery import following, ledger
from callboard.delivery.following.course import STEP
from callboard.delivery.ledger import NewDelivery
from callboard.delivery.states import DeliveryState
from callboard.numerals import MOST_COUNTED
from tests.engine import Engine
from tests.pages.signed_in import seen

MANY = 10_007


async def crowd(engine: Engine, many: int = MANY) -> str:
    """A paused webhook for which so many wait; of the first thousand it is written
    already that they are held."""
    webhook = await engine.webhook("/crowded")
    now, event = engine.runtime.clock(), (await engine.post()).id
    more = NewDelivery.on_request(engine.account, webhook, event, None, now, now)
    async with writing() as db:
        await ledger.enter(db, [more] * (many - 1), now)
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
    assert problem["message"].startswith("10\u202f007 deliveries are held: choose")


async def test_nobody_waits_for_more_than_100_000_to_be_counted(
    alice, api: httpx.AsyncClient, engine: Engine
):
    webhook = await crowd(engine, MOST_COUNTED)
    path = f"/webhooks/{webhook}"
    said = seen(await alice.get(path))
    assert "100 000 deliveries are held, about 200.0 kB, the oldest since" in said
    assert " 100 000 held" in seen(await alice.get("/"))
    assert (await api.get(f"/api/v1{path}")).json()["held"] == MOST_COUNTED

    await engine.post()
    said = seen(await alice.get(path))
    assert "More than 100 000 deliveries are held, the oldest since" in said
    assert "more than 100 000 held" in seen(await alice.get("/webhooks"))
    assert "more than 100 000 held" in seen(await alice.get("/"))
    asked = seen(await alice.get(f"{path}/activate"))
    assert "More than 100 000 deliveries are held." in asked
    asked = seen(await alice.get(f"{path}/delete"))
    assert "More than 100 000 held deliveries are cancelled." in asked

    shown = (await api.get(f"/api/v1{path}")).json()
    assert shown["held"] is None
    assert shown["holding"]["about_bytes"] is None
    assert shown["holding"]["oldest_at"]
    (line,) = (await api.get("/api/v1/webhooks")).json()["items"]
    assert line["held"] is None
    refused = (await api.post(f"/api/v1{path}/activate")).json()
    (problem,) = refused["error"]["problems"]
    assert problem["message"].startswith("More than 100\u202f000 deliveries are held")


async def test_no_change_of_state_waits_for_so_many_to_be_counted(
    api: httpx.AsyncClient, engine: Engine
):
    path = f"/api/v1/webhooks/{await crowd(engine)}"
    for act in ("deactivate", "activate", "pause"):
        body = {"held": "deliver"} if act == "activate" else None
        changed = (await api.post(f"{path}/{act}", json=body)).json()
        assert changed["held"] is None
        assert changed["holding"]["about_bytes"] is None
        assert (await api.get(path)).json()["held"] == MANY
