"""From an accepted event to what the receiver gets."""

import asyncio
import os
import signal
import sys

import httpx
from litestar import Litestar
from standardwebhooks import Webhook
from svix.webhooks import Webhook as Svix

from callboard.delivery import reading
from callboard.ingest import Acceptor, NewEvent
from callboard.webhooks import rotation
from tests import make
from tests.engine import TYPE, Engine, eventually
from tests.receiver import Answer


async def test_a_posted_event_reaches_the_webhook_signed(
    app: Litestar, api: httpx.AsyncClient, engine: Engine
):
    app.state.runtime = make.changed(app.state.runtime, acceptor=engine.acceptor)
    url = f"{engine.receiver.url}/crm"
    webhook = {"url": url, "events": ["contact.*"], "state": "active"}
    made = (await api.post("/api/v1/webhooks", json=webhook)).json()
    data = b'{ "b":1.50,\n "a": "\\u00e4", "big": 123456789012345678901234567890 }'
    body = b'{"type": "contact.created", "data": ' + data + b', "id": "order-1"}'
    async with engine.working():
        receipt = (await api.post("/api/v1/events", content=body)).json()
        (call,) = await engine.receiver.got(1)
        await engine.settled()
    assert receipt["deliveries"] == 1
    assert (call.method, call.path) == ("POST", "/crm")
    Webhook(made["secret"]).verify(call.body, call.headers)
    assert call.id == call.envelope["id"] == receipt["id"]
    assert list(call.envelope) == ["id", "type", "timestamp", "data"]
    assert call.envelope["type"] == TYPE
    assert call.body.endswith(b',"data":' + data + b"}")
    shown = (await api.get(f"/api/v1/events/{receipt['id']}")).json()
    (delivery,) = shown["deliveries"]
    assert delivery["state"] == "delivered"
    told = (await api.get(f"/api/v1/deliveries/{delivery['id']}")).json()
    (attempt,) = told["attempts"]
    assert attempt["request"]["body"].encode() == call.body
    assert (attempt["status"], attempt["response"]["body"]) == (200, "ok")


async def test_the_worker_process_delivers_and_ends_when_it_is_asked_to(
    engine: Engine,
):
    await engine.webhook()
    log = asyncio.subprocess.PIPE
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workers"), env=dict(os.environ), stderr=log, stdout=log
    )
    try:
        for number in range(20):
            await engine.post(b"%d" % number)
        await engine.receiver.got(20)
        await engine.settled()
        engine.acceptor = engine.runtime.acceptor  # this one rings through Redis
        begun = asyncio.get_running_loop().time()
        await engine.post(b"20")
        await engine.receiver.got(21)
        assert asyncio.get_running_loop().time() - begun < 5
        await engine.settled()
    finally:
        worker.send_signal(signal.SIGTERM)
        output, errors = await worker.communicate()
    assert worker.returncode == 0, (output + errors).decode()
    assert sorted(call.data for call in engine.receiver.calls) == [*range(21)]
    assert await engine.rows("SELECT id FROM worker") == []


async def test_every_webhook_that_wants_an_event_gets_it_once(engine: Engine):
    await make.event_type(engine.account, "order.paid")
    await engine.webhook("/all")
    await engine.webhook("/contacts", events=("contact.*",))
    await engine.webhook("/orders", events=("order.paid",))
    async with engine.working():
        receipts = [await engine.post(b"%d" % n) for n in range(30)]
        await engine.settled()
    assert {receipt.deliveries for receipt in receipts} == {2}
    for path in ("/all", "/contacts"):
        assert sorted(c.data for c in engine.receiver.at(path)) == [*range(30)]
    assert engine.receiver.at("/orders") == []


async def test_an_event_that_nobody_wants_is_kept(engine: Engine):
    receipt = await engine.post(b"1")
    assert receipt.deliveries == 0
    event = await reading.get_event(engine.account, receipt.id)
    assert event.data == "1"


async def test_what_came_while_nobody_worked_is_delivered_oldest_first(engine: Engine):
    await engine.webhook(concurrency=1)
    for number in range(10):
        await engine.post(b"%d" % number)
    await engine.work()
    assert [call.data for call in engine.receiver.calls] == [*range(10)]


async def test_a_receivers_answer_is_kept_up_to_a_cap(engine: Engine):
    await engine.webhook()
    long = Answer(headers=(("X-Odd", "\xff"),), body=b"\x00\xff" * 100_000)
    engine.receiver.script("/", long)
    await engine.post()
    await engine.work()
    (id,) = await engine.deliveries()
    (attempt,) = (await reading.get(engine.account, id)).attempts
    assert attempt.response.body == (b"\x00\xff" * 100_000)[: 64 * 1024]
    assert attempt.response.truncated
    assert "X-Odd" in dict(attempt.response.headers)


async def test_a_webhooks_own_headers_are_sent_and_masked_in_what_is_kept(
    engine: Engine,
):
    await engine.webhook(headers={"Authorization": "Bearer geheim", "X-Env": "prod"})
    await engine.post()
    await engine.work()
    (call,) = engine.receiver.calls
    assert (call.headers["authorization"], call.headers["x-env"]) == (
        "Bearer geheim",
        "prod",
    )
    (id,) = await engine.deliveries()
    (attempt,) = (await reading.get(engine.account, id)).attempts
    assert "geheim" not in str(attempt.request)


async def test_a_worker_with_one_place_delivers_too(engine: Engine):
    await engine.webhook()
    async with engine.working(places=1):
        for _ in range(3):
            await engine.post()
        await engine.receiver.got(3)
        await engine.settled()
    assert engine.receiver.most_at_once["/"] == 1


async def test_a_change_of_url_is_honoured_at_the_next_claim(engine: Engine):
    webhook = await engine.webhook("/old")
    async with engine.working("wrk_a", "wrk_b"):
        await engine.post(b"1")
        await engine.settled()
        await engine.change(webhook, url=f"{engine.receiver.url}/new")
        for number in range(10):
            await engine.post(b"%d" % number)
        await engine.settled()
    assert len(engine.receiver.at("/old")) == 1
    assert len(engine.receiver.at("/new")) == 10


async def test_after_a_rotation_both_secrets_verify_until_the_old_one_ends(
    engine: Engine,
):
    webhook = await engine.webhook()
    now = engine.runtime.clock()
    until = now.replace(year=now.year + 1)
    new = await rotation.rotate(engine.by, webhook, engine.runtime.vault, until)
    assert new
    await engine.post()
    await engine.work()
    (call,) = engine.receiver.calls
    for secret in (engine.secrets[webhook], new):
        assert Webhook(secret).verify(call.body, call.headers) == call.envelope
        Svix(secret).verify(call.body, call.headers)


async def test_a_worker_that_knows_a_webhook_sees_its_new_secret(engine: Engine):
    webhook = await engine.webhook()
    async with engine.working("wrk_a", "wrk_b"):
        await engine.post()
        await engine.settled()
        by, vault = engine.by, engine.runtime.vault
        new = await rotation.rotate(by, webhook, vault, until=by.now)
        assert new
        await engine.post()
        await engine.settled()
    before, after = engine.receiver.calls
    for call, secret in ((before, engine.secrets[webhook]), (after, new)):
        assert Webhook(secret).verify(call.body, call.headers) == call.envelope


async def test_what_two_processes_accept_is_delivered_once(engine: Engine):
    await engine.webhook()
    other = Acceptor(engine.ring)
    now = engine.runtime.clock
    async with engine.working("wrk_a", "wrk_b"):
        for number in range(20):
            event = NewEvent(TYPE, b"%d" % number, key=f"k{number}")
            await asyncio.gather(
                engine.acceptor.accept(engine.account, [event], now()),
                other.accept(engine.account, [event], now()),
            )
        await engine.settled()
    assert sorted(call.data for call in engine.receiver.calls) == [*range(20)]


async def test_slow_and_quick_receivers_do_not_wait_for_each_other(engine: Engine):
    await engine.webhook("/slow")
    await engine.webhook("/quick")
    gate = engine.receiver.close_gate("/slow")
    async with engine.working(places=4):
        for number in range(30):
            await engine.post(b"%d" % number)
        await engine.receiver.got(30, "/quick")
        assert engine.receiver.hanging("/slow") >= 1

        async def patient() -> bool:
            rows = await engine.rows("SELECT 1 FROM turn WHERE lane = 'patient'")
            return bool(rows)

        await eventually(patient)
        gate.set()
        await engine.settled()
    assert len(engine.receiver.at("/slow")) == 30
