"""Which names and addresses a call reaches, and what a failure is called."""

import asyncio
import socket

import pytest

from callboard.delivery.calls.sender import open_sender
from callboard.egress import resolver
from callboard.egress.policy import EgressPolicy, parse_destinations
from callboard.outcome import ErrorClass
from tests.wire import ANSWER, LOOPBACK, a_call, answers_of, receiving, send

FORBIDDEN = (
    "10.0.0.1 169.254.169.254 0.0.0.0 0 100.64.0.1 [::] [::1] [fe80::1] [fd00::1]"
    " [::ffff:10.0.0.1] [64:ff9b::a00:1] 0xa000001 167772161 012.1"
    " localhost.internal printer.local metadata.google.internal"
)


@pytest.mark.parametrize("host", FORBIDDEN.split())
async def test_a_forbidden_host_is_blocked_before_anything_is_sent(host):
    outcome = await send(f"http://{host}:9/")
    assert (outcome.status, outcome.error) == (None, ErrorClass.BLOCKED)
    assert outcome.body == b""
    assert "ALLOW_DESTINATIONS" in outcome.detail


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1", "10.20.30.40"],
        ["10.20.30.40", "127.0.0.1"],
        ["127.0.0.1", "fd12:3456::1"],
        ["127.0.0.1", "::ffff:169.254.169.254"],
        ["127.0.0.1"] * 999 + ["10.20.30.40"],
    ],
    ids=["last", "first", "v6", "mapped", "one of a thousand"],
)
async def test_a_name_with_one_forbidden_answer_is_blocked(addresses):
    lookup, _ = answers_of(addresses)
    async with receiving() as receiver:
        outcome = await send(receiver.url(host="mixed.example"), lookup=lookup)
    assert outcome.error is ErrorClass.BLOCKED
    assert receiver.connections == 0
    assert "mixed.example" in outcome.detail
    assert not any(a in outcome.detail for a in addresses)


async def test_a_name_is_asked_for_once_and_then_kept():
    lookup, asked = answers_of(["127.0.0.1"], ["10.20.30.40"])
    closing = ANSWER.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    async with (
        receiving(closing) as receiver,
        open_sender(LOOPBACK, lookup=lookup) as sender,
    ):
        url = receiver.url(host="hooks.example")
        together = [sender.send(a_call(url)) for _ in range(20)]
        outcomes = [*await asyncio.gather(*together), await sender.send(a_call(url))]
    assert {outcome.status for outcome in outcomes} == {200}
    assert asked == ["hooks.example"]
    assert b"Host: hooks.example:" in receiver.requests[0]


@pytest.mark.parametrize("later", ["10.20.30.40", "169.254.169.254", "::1"])
async def test_a_name_that_leads_elsewhere_later_is_judged_anew(later, monkeypatch):
    monkeypatch.setattr(resolver, "KEEP_ANSWER", 0.0)
    lookup, asked = answers_of(["127.0.0.1"], [later])
    closing = ANSWER.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    async with (
        receiving(closing) as receiver,
        open_sender(LOOPBACK, lookup=lookup) as sender,
    ):
        call = a_call(receiver.url(host="hooks.example"))
        outcomes = [await sender.send(call) for _ in range(3)]
    assert [outcome.error for outcome in outcomes] == [None, *[ErrorClass.BLOCKED] * 2]
    assert len(asked) == 3
    assert receiver.connections == 1


async def test_a_failed_look_up_is_kept_as_well():
    lookup, asked = answers_of([])
    async with open_sender(LOOPBACK, lookup=lookup) as sender:
        for _ in range(3):
            outcome = await sender.send(a_call("http://hooks.example/"))
            assert outcome.error is ErrorClass.NAME
    assert asked == ["hooks.example"]


async def test_an_allowed_name_may_lead_inside():
    lookup, _ = answers_of(["127.0.0.1"])
    named = EgressPolicy(allow=parse_destinations("crm.example"))
    async with receiving() as receiver:
        allowed = await send(receiver.url(host="crm.example"), named, lookup=lookup)
        other = await send(receiver.url(host="b.example"), named, lookup=lookup)
        literal = await send(receiver.url(), named)
    assert allowed.status == 200
    assert (other.error, literal.error) == (ErrorClass.BLOCKED, ErrorClass.BLOCKED)


async def test_localhost_needs_no_name_servers():
    lookup, asked = answers_of(["10.20.30.40"])
    async with receiving() as receiver:
        for host in ("localhost", "LOCALHOST", "localhost.", "a.localhost"):
            outcome = await send(receiver.url(host=host), lookup=lookup)
            assert outcome.status == 200
    assert asked == []
    assert (await send("http://localhost:9/", EgressPolicy())).error == "blocked"


async def test_a_name_that_does_not_exist_is_an_outcome():
    outcome = await send("http://callboard.invalid/")
    assert outcome.error in (ErrorClass.NAME, ErrorClass.TIMEOUT)
    assert outcome.seconds < 2.5


async def test_a_slow_look_up_counts_against_the_budget():
    async def lookup(name):
        await asyncio.Event().wait()

    outcome = await send("http://slow.example/", lookup=lookup, budget=0.2)
    assert outcome.error is ErrorClass.TIMEOUT
    assert outcome.seconds < 2
    assert set(outcome.phases_ms) == {"name", "connect", "tls", "first_byte", "body"}


async def test_a_caller_that_gives_up_does_not_spoil_the_look_up_of_others():
    go = asyncio.Event()

    async def lookup(name):
        await go.wait()
        return ["127.0.0.1"]

    async with receiving() as receiver, open_sender(LOOPBACK, lookup=lookup) as sender:
        url = receiver.url(host="slow.example")
        patient = asyncio.create_task(sender.send(a_call(url)))
        hasty = await sender.send(a_call(url, budget=0.05))
        go.set()
        assert hasty.error is ErrorClass.TIMEOUT
        assert (await patient).status == 200


async def test_a_closed_port_is_a_refused_connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = await send(f"http://127.0.0.1:{port}/")
    assert outcome.error is ErrorClass.REFUSED
    assert "127.0.0.1" not in outcome.detail


async def test_a_cancelled_call_is_cancelled():
    async def lookup(name):
        await asyncio.Event().wait()

    async with open_sender(LOOPBACK, lookup=lookup) as sender:
        task = asyncio.create_task(sender.send(a_call("http://slow.example/")))
        await asyncio.wait([task], timeout=0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_our_own_ports_are_closed():
    async with receiving() as receiver:
        policy = EgressPolicy(LOOPBACK.allow, closed_ports=frozenset({receiver.port}))
        lookup, _ = answers_of(["127.0.0.1"])
        literal = await send(receiver.url(), policy)
        named = await send(receiver.url(host="b.example"), policy, lookup=lookup)
    assert (literal.error, named.error) == (ErrorClass.BLOCKED, ErrorClass.BLOCKED)
    assert receiver.connections == 0
