"""Access tokens: asked for as the RFC says, shared, renewed, and what can go wrong."""

import asyncio
import gzip
from base64 import b64decode
from dataclasses import replace
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from callboard.auth.settings import Auth
from callboard.delivery.calls.caller import Caller
from callboard.delivery.calls.request import Call
from callboard.delivery.calls.sender import open_sender
from callboard.delivery.calls.targets import Target
from callboard.egress.policy import EgressPolicy, parse_destinations
from callboard.outcome import ErrorClass, Outcome
from callboard.webhooks.settings import NewWebhook
from tests import make
from tests.engine import cancelled
from tests.receiver import Answer, Receiver
from tests.servers import free_port

LOOPBACK = EgressPolicy(allow=parse_destinations("127.0.0.0/8"))
SECRET = "s3cret: ü&="


def a_token(text: str = "t1", **more: Any) -> Answer:
    return Answer(body=msgspec.json.encode({"access_token": text} | more))


def target(receiver: Receiver, version: int = 1, **more: Any) -> Target:
    fields = {"token_url": receiver.url + "/token", "client_id": "me"}
    auth = Auth.of("oauth2", fields | {"client_secret": SECRET} | more)
    new = NewWebhook(url=receiver.url + "/hook", events=("*",), auth=auth, timeout=5)
    return make.target(new, version=version)


def a_call(to: Target, timeout: float = 5.0) -> Call:
    return Call("POST", to.url, (), b"{}", timeout)


async def call(to: Target, caller: Caller | None = None, **more: Any) -> Outcome:
    if caller is not None:
        return await caller.call(to, a_call(to, **more))
    async with open_sender(LOOPBACK) as sender:
        return await Caller(sender).call(to, a_call(to, **more))


@pytest.fixture
async def caller():
    async with open_sender(LOOPBACK) as sender:
        yield Caller(sender)


def shown(receiver: Receiver) -> list[str]:
    return [call.headers["authorization"] for call in receiver.at("/hook")]


async def test_a_token_is_asked_for_and_shown(receiver):
    receiver.usually["/token"] = a_token(token_type="bearer", expires_in=3600)
    outcome = await call(target(receiver, scope="a b", audience="https://x"))
    assert (outcome.status, outcome.error) == (200, None)
    assert outcome.phases_ms["token"]
    assert outcome.seconds > outcome.phases_ms["token"] / 1000
    (asked,) = receiver.at("/token")
    assert asked.method == "POST"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
        "audience": ["https://x"],
    }
    kind, _, credentials = asked.headers["authorization"].partition(" ")
    assert kind == "Basic"
    assert b64decode(credentials) == b"me:s3cret%3A+%C3%BC%26%3D"
    assert shown(receiver) == ["Bearer t1"]


async def test_a_client_may_name_itself_in_the_body(receiver):
    receiver.usually["/token"] = a_token()
    await call(target(receiver, client_auth="post"))
    (asked,) = receiver.at("/token")
    sent = parse_qs(asked.body.decode())
    assert (sent["client_id"], sent["client_secret"]) == (["me"], [SECRET])
    assert "authorization" not in asked.headers


async def test_twenty_calls_at_once_show_the_one_token(receiver, caller):
    receiver.usually["/token"] = Answer(body=a_token().body, takes=0.05)
    to = target(receiver)
    outcomes = await asyncio.gather(*(call(to, caller) for _ in range(20)))
    assert {outcome.status for outcome in outcomes} == {200}
    assert len(receiver.at("/token")) == 1
    assert shown(receiver) == ["Bearer t1"] * 20


async def test_a_failure_is_shared_but_not_kept(receiver, caller):
    receiver.script("/token", Answer(503, takes=0.05))
    receiver.usually["/token"] = a_token()
    to = target(receiver)
    outcomes = await asyncio.gather(*(call(to, caller) for _ in range(5)))
    assert {outcome.error for outcome in outcomes} == {ErrorClass.TOKEN}
    assert (await call(to, caller)).status == 200
    assert len(receiver.at("/token")) == 2


@pytest.mark.parametrize(
    ("expires_in", "good", "over"),
    [
        (3600, 3560, 3575),
        ("3600", 3560, 3575),
        (20, 17, 19),
        (None, 260, 275),
        (10**9, 86_300, 86_400),
        ("soon", 260, 275),
    ],
)
async def test_a_token_is_renewed_shortly_before_its_end(
    receiver, expires_in, good, over
):
    receiver.script("/token", a_token("t1", expires_in=expires_in), a_token("t2"))
    now = 1000.0
    async with open_sender(LOOPBACK) as sender:
        caller = Caller(sender, lambda: now)
        to = target(receiver)
        await call(to, caller)
        now = 1000.0 + good
        await call(to, caller)
        now = 1000.0 + over
        await call(to, caller)
    assert shown(receiver) == ["Bearer t1", "Bearer t1", "Bearer t2"]


@pytest.mark.parametrize("expires_in", [0, -5, 0.0, "nan"])
async def test_a_token_without_a_life_serves_once(receiver, caller, expires_in):
    receiver.usually["/token"] = a_token(expires_in=expires_in)
    for _ in range(2):
        assert (await call(target(receiver), caller)).status == 200
    assert len(receiver.at("/token")) == 2


async def test_another_version_of_the_webhook_asks_anew(receiver, caller):
    receiver.usually["/token"] = a_token()
    for version in (1, 1, 2, 2):
        await call(target(receiver, version), caller)
    assert len(receiver.at("/token")) == 2


class TestRefused:
    async def test_a_token_is_renewed_once(self, receiver, caller):
        receiver.script("/token", a_token("t1"), a_token("t2"))
        receiver.script("/hook", 200, 401, 200)
        for _ in range(3):
            assert (await call(target(receiver), caller)).status == 200
        assert shown(receiver) == [f"Bearer {t}" for t in ("t1", "t1", "t2", "t2")]
        assert len(receiver.at("/token")) == 2

    async def test_and_only_once(self, receiver, caller):
        receiver.usually["/token"] = a_token()
        receiver.usually["/hook"] = Answer(401)
        assert (await call(target(receiver), caller)).status == 401
        assert (len(receiver.at("/token")), len(receiver.at("/hook"))) == (2, 2)

    async def test_all_that_were_refused_share_the_new_one(self, receiver, caller):
        receiver.script("/token", a_token("t1"))
        receiver.usually["/token"] = Answer(body=a_token("t2").body, takes=0.05)
        await call(target(receiver), caller)
        receiver.script("/hook", *[401] * 10)
        outcomes = await asyncio.gather(
            *(call(target(receiver), caller) for _ in range(10))
        )
        assert {outcome.status for outcome in outcomes} == {200}
        assert len(receiver.at("/token")) == 2

    async def test_without_a_new_token_the_answer_stands(self, receiver, caller):
        receiver.script("/token", a_token(), 503)
        receiver.usually["/hook"] = Answer(401, body=b"who?")
        outcome = await call(target(receiver), caller)
        assert (outcome.status, outcome.body, outcome.error) == (401, b"who?", None)
        assert outcome.detail == "No access token: The token server answered 503."


HUGE = Answer(body=b'{"access_token": "' + b"t" * 100_000 + b'"}')


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(500), "answered 500."),
        (Answer(404), "answered 404."),
        (Answer(401, body=b'{"error": "invalid_client"}'), "401 (invalid_client)."),
        (Answer(400, body=b'{"error": "<b>your secret</b>"}'), "answered 400."),
        (Answer(400, body=b'{"error": ' * 9000), "answered 400."),
        (Answer(302, (("Location", "/elsewhere"),)), "redirects are not followed"),
        (Answer(204, body=b""), "answered 204."),
        (Answer(body=b""), "is not JSON"),
        (Answer(body=b"<html>"), "is not JSON"),
        (Answer(body=b"\xff"), "is not JSON"),
        (Answer(body=b'{"x": ' + b"[" * 60_000), "is not JSON"),
        (Answer(body=gzip.compress(a_token().body)), "is not JSON"),
        (Answer(body=b"[]"), "holds no access token"),
        (Answer(body=b"{}"), "holds no access token"),
        (Answer(body=b'{"access_token": null}'), "holds no access token"),
        (a_token("a\r\nX-Evil: 1"), "cannot be sent"),
        (a_token("a b"), "cannot be sent"),
        (a_token("ü"), "cannot be sent"),
        (a_token(""), "cannot be sent"),
        (a_token("t" * 8193), "cannot be sent"),
        (a_token(token_type="mac"), "another type"),
        (HUGE, "too long"),
    ],
)
async def test_every_failure_of_the_token_server_is_told_as_its_own(
    receiver, answer, why
):
    receiver.usually["/token"] = answer
    outcome = await call(target(receiver))
    assert (outcome.status, outcome.error) == (None, ErrorClass.TOKEN)
    assert outcome.detail.startswith("No access token: The token server")
    assert why in outcome.detail
    assert "secret" not in repr(outcome)
    assert {call.path for call in receiver.calls} == {"/token"}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://10.0.0.1/token", "a private address"),
        ("http://169.254.169.254/latest/meta-data/", "metadata service"),
        ("http://localhost.internal/", "internal use"),
        ("http://127.0.0.1:{port}/", "Nothing accepts connections"),
    ],
)
async def test_tokens_are_asked_for_through_the_same_guard(receiver, url, why):
    to = target(receiver, token_url=url.format(port=free_port()))
    outcome = await call(to)
    assert (outcome.status, outcome.error) == (None, ErrorClass.TOKEN)
    assert why in outcome.detail
    assert receiver.calls == []


class TestASlowTokenServer:
    async def test_counts_in_the_time_of_the_call(self, receiver, caller):
        receiver.close_gate("/token")
        begun = monotonic()
        outcome = await call(target(receiver), caller, timeout=0.2)
        assert 0.15 < outcome.seconds < 3
        assert monotonic() - begun < 3
        assert outcome.error == ErrorClass.TOKEN
        assert "no complete answer in time" in outcome.detail

    async def test_leaves_the_receiver_the_rest_of_the_time(self, receiver, caller):
        receiver.usually["/token"] = Answer(body=a_token().body, takes=1)
        receiver.close_gate("/hook")
        outcome = await call(target(receiver), caller, timeout=2)
        assert outcome.error == ErrorClass.TIMEOUT
        assert outcome.seconds < 2.8

    async def test_does_not_hold_up_other_webhooks(self, receiver, caller):
        gate = receiver.close_gate("/token")
        slow = asyncio.create_task(call(target(receiver), caller))
        await receiver.got(1, "/token")
        receiver.usually["/quick"] = a_token()
        quick = target(receiver, token_url=receiver.url + "/quick")
        outcome = await call(replace(quick, webhook="wh_2"), caller)
        assert outcome.status == 200
        gate.set()
        await cancelled(slow)

    async def test_is_asked_on_when_a_caller_is_cut_off(self, receiver, caller):
        receiver.usually["/token"] = Answer(body=a_token().body, takes=0.1)
        first = asyncio.create_task(call(target(receiver), caller))
        await receiver.got(1, "/token")
        second = asyncio.create_task(call(target(receiver), caller))
        await asyncio.sleep(0)
        await cancelled(first)
        assert (await second).status == 200
        assert len(receiver.at("/token")) == 1
