"""A receiver that wants to know who calls, from the event to the attempt's record."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from callboard.auth.settings import Auth
from callboard.delivery.calls.tls import Contexts
from callboard.insight import troubles
from callboard.notices.letters import Facts
from callboard.notices.tables import Notice
from callboard.webhooks.settings import NewWebhook, settings_of
from callboard.webhooks.tables import Webhook
from tests import make
from tests.certificates import (
    FOR_CLIENTS,
    FOR_SERVERS,
    Issued,
    asks_for_certificates,
    authority,
    issue,
)
from tests.engine import Engine
from tests.receiver import Answer, Receiver, receiving

SECRET = "s3cret-of-the-receiver"
MASKED = "••••"


def oauth2(receiver: Receiver, **more: str) -> Auth:
    fields = {"token_url": receiver.url + "/token", "client_id": "me"}
    return Auth.of("oauth2", fields | {"client_secret": SECRET} | more)


async def told(api: httpx.AsyncClient, engine: Engine) -> dict[str, Any]:
    """The only delivery's only attempt as the API shows it."""
    (id,) = await engine.deliveries()
    answer = await api.get(f"/api/v1/deliveries/{id}")
    assert SECRET not in answer.text
    (attempt,) = answer.json()["attempts"]
    return attempt


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        (
            Auth.of("basic", {"username": "ann", "password": SECRET}),
            "authorization",
            "Basic YW5uOnMzY3JldC1vZi10aGUtcmVjZWl2ZXI=",
        ),
        (Auth.of("header", {"name": "X-Key", "value": SECRET}), "x-key", SECRET),
        (Auth.of("bearer", {"token": SECRET}), "authorization", f"Bearer {SECRET}"),
    ],
)
async def test_the_receiver_sees_who_calls_and_the_record_does_not(
    api, engine, auth, name, value
):
    await engine.webhook("/hook", auth=auth)
    async with engine.working():
        await engine.post()
        (call,) = await engine.receiver.got(1)
        await engine.settled()
    assert call.headers[name] == value
    headers = {k.lower(): v for k, v in (await told(api, engine))["request"]["headers"]}
    assert headers[name] == MASKED


async def test_a_new_secret_is_shown_from_the_next_call_on(engine):
    id = await engine.webhook(auth=Auth.of("bearer", {"token": "old"}))
    async with engine.working():
        await engine.post()
        await engine.receiver.got(1)
        await engine.change(id, auth=Auth.of("bearer", {"token": "new"}))
        await engine.post()
        calls = await engine.receiver.got(2)
        await engine.settled()
    assert [c.headers["authorization"] for c in calls] == ["Bearer old", "Bearer new"]


async def test_many_deliveries_share_one_access_token(api, engine):
    receiver = engine.receiver
    receiver.usually["/token"] = Answer(body=b'{"access_token": "t1"}', takes=0.02)
    await engine.webhook("/hook", auth=oauth2(receiver))
    async with engine.working():
        for _ in range(5):
            await engine.post()
        calls = await receiver.got(5, "/hook")
        await engine.settled()
    assert {call.headers["authorization"] for call in calls} == {"Bearer t1"}
    assert len(receiver.at("/token")) == 1
    assert await engine.states() == ["delivered"] * 5


async def test_a_missing_token_is_told_apart_and_tried_again(api, engine):
    receiver = engine.receiver
    receiver.script("/token", Answer(400, body=b'{"error":"invalid_client"}'))
    receiver.usually["/token"] = Answer(body=b'{"access_token": "t1"}')
    await engine.webhook("/hook", auth=oauth2(receiver), schedule=(1,))
    async with engine.working():
        await engine.post()
        await receiver.got(1, "/hook")
        await engine.settled()
    (id,) = await engine.deliveries()
    shown = (await api.get(f"/api/v1/deliveries/{id}")).json()
    first, second = shown["attempts"]
    assert (first["status"], first["error"]) == (None, "no_access_token")
    assert (second["status"], second["error"]) == (200, None)
    assert second["phases_ms"]["token"] > 0
    for attempt in (first, second):
        assert ["Authorization", MASKED] in attempt["request"]["headers"]
        assert SECRET not in str(attempt)
    page = await api.get(f"/api/v1/events/{shown['event']}")
    assert SECRET not in page.text


async def test_nobody_blames_the_receiver_for_a_missing_token(engine):
    receiver = engine.receiver
    receiver.usually["/token"] = Answer(503)
    for name in ("One", "Two"):
        more = {"name": name, "recipients": ("ops@example.org",), "schedule": (1,)}
        await engine.webhook("/hook", auth=oauth2(receiver), **more)
    async with engine.working():
        await engine.post()
        await engine.settled()
    told = await troubles.needs_you(engine.account)
    blamed = [(each.host, each.why.partition(",")[0]) for each in told]
    assert blamed == [("", "no access token")] * 2  # deactivated by now, or not yet
    notices = await Notice.select(Notice.host, Notice.facts)
    assert {notice["host"] for notice in notices} == {""}
    facts = msgspec.json.decode(notices[0]["facts"], type=Facts)
    assert facts.trouble == "no access token"
    assert receiver.at("/hook") == []


async def test_a_slow_token_server_leaves_other_webhooks_alone(engine):
    receiver = engine.receiver
    gate = receiver.close_gate("/token")
    await engine.webhook("/slow", auth=oauth2(receiver))
    await engine.webhook("/quick")
    async with engine.working(places=4):
        for _ in range(3):
            await engine.post()
        await receiver.got(3, "/quick")
        assert receiver.at("/slow") == []
        receiver.usually["/token"] = Answer(body=b'{"access_token": "t1"}')
        gate.set()
        await receiver.got(1, "/token")


def mtls(ours: Issued, *issuers: Issued) -> Auth:
    chain = "".join(each.pem for each in (ours, *issuers))
    given = {"certificate": chain, "private_key": ours.key}
    return Auth.of("mtls", given)


class TestBehindTLS:
    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Issued:
        """An authority that every call from here on trusts."""
        root = authority()
        (tmp_path / "root.pem").write_text(root.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
        return root

    @pytest.fixture(params=["TLSv1_2", "TLSv1_3"])
    async def strict(
        self, root: Issued, tmp_path: Path, request: pytest.FixtureRequest
    ) -> AsyncIterator[Receiver]:
        """Takes nobody without a certificate of that authority."""
        server = issue("server", root, use=FOR_SERVERS)
        newest = ssl.TLSVersion[request.param]
        tls = asks_for_certificates(server, root, tmp_path, newest)
        async with receiving(tls) as opened:
            yield opened

    async def test_the_certificate_is_shown_on_each_connection(
        self, api, engine, root, strict
    ):
        middle = issue("middle", root, is_authority=True)
        ours = issue("crm-client", middle, use=FOR_CLIENTS)
        await engine.webhook(url=strict.url, auth=mtls(ours, middle))
        async with engine.working():
            await engine.post()
            await engine.post()
            await strict.got(2)
            await engine.settled()
        assert set(strict.clients) == {"crm-client"}
        assert await engine.states() == ["delivered"] * 2

    async def test_webhooks_with_other_certificates_share_no_connection(
        self, engine, root, strict
    ):
        for name in ("one", "two"):
            auth = mtls(issue(name, root, use=FOR_CLIENTS))
            await engine.webhook(url=strict.url, auth=auth)
        async with engine.working():
            await engine.post()
            await strict.got(2)
            await engine.settled()
        assert sorted(strict.clients) == ["one", "two"]

    async def test_a_certificate_that_nobody_trusts_is_told(
        self, api, engine, root, strict
    ):
        stranger = issue("stranger", authority("Elsewhere"))
        await engine.webhook(url=strict.url, auth=mtls(stranger), schedule=())
        async with engine.working():
            await engine.post()
            await engine.settled()
        attempt = await told(api, engine)
        assert attempt["status"] is None
        assert attempt["error"] in ("tls", "connection_reset")
        assert "certificate" in attempt["detail"]
        assert attempt["response"] is None
        assert strict.calls == []

    async def test_a_test_call_shows_it_too(self, api, engine, root, strict):
        ours = issue("tester", root, use=FOR_CLIENTS)
        id = await engine.webhook(url=strict.url, auth=mtls(ours), active=False)
        answer = await api.post(f"/api/v1/webhooks/{id}/test", json={})
        assert answer.json()["outcome"]["passed"], answer.text
        assert strict.clients == ["tester"]


async def test_contexts_are_made_once_for_all_that_wait():
    ours = issue("client", authority())
    new = NewWebhook(url="https://x/", events=("*",), auth=mtls(ours))
    contexts = Contexts()
    first, second = await asyncio.gather(
        *(contexts.get(make.target(new, version=1)) for _ in range(2))
    )
    other = await contexts.get(make.target(new, version=2))
    assert first is second
    assert other is not first


async def test_a_deleted_webhook_keeps_no_secrets_and_its_past_stays_readable(
    engine: Engine, api: httpx.AsyncClient
):
    auth = Auth.of("basic", {"username": "ann", "password": SECRET})
    headers = {"X-Own": "own"}
    webhook = await engine.webhook(auth=auth, headers=headers, signing="rsa-sha256")
    async with engine.working():
        await engine.post()
        await engine.settled()
    before = await told(api, engine)
    await engine.delete(webhook)
    row = await Webhook.objects().get(Webhook.id == webhook)
    assert row is not None
    assert (row.secrets, row.headers) == ("[]", "{}")
    assert settings_of(row).auth == Auth()
    assert await told(api, engine) == before
