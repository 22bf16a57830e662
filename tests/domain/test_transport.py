"""What goes over the wire, and over which connection."""

import asyncio

import pytest

from callboard.delivery.calls.sender import open_sender
from callboard.egress.pool import MOST_IDLE_HOSTS
from callboard.outcome import ErrorClass
from tests.wire import ANSWER, LOOPBACK, a_call, answers_of, receiving, send


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("POST", b"{}", "Content-Length: 2\r\n"),
        ("POST", b"", "Content-Length: 0\r\n"),
        ("PUT", b"{}", "Content-Length: 2\r\n"),
        ("PATCH", b"{}", "Content-Length: 2\r\n"),
        ("DELETE", b"", "Content-Length: 0\r\n"),
        ("GET", b"", ""),
    ],
)
async def test_a_request_goes_out_exactly_as_given(method, body, length):
    path = "/a/%2e%2e/b/../c//d?x=%41&y='&z"
    headers = [("X-MiXed", "1"), ("x-mixed2", "a\tb "), ("X-MiXed", "2")]
    async with receiving() as receiver:
        url = receiver.url(path)
        outcome = await send(url, method=method, headers=headers, body=body)
    assert outcome.status == 200
    assert receiver.requests == [
        f"{method} {path} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{receiver.port}\r\n"
        "X-MiXed: 1\r\nx-mixed2: a\tb \r\nX-MiXed: 2\r\n"
        f"{length}\r\n".encode()
        + body
    ]


async def test_a_large_body_arrives_whole():
    body = bytes(range(256)) * 16_384
    async with receiving() as receiver:
        outcome = await send(receiver.url(), body=body, budget=10)
    assert outcome.error is None
    assert receiver.requests[0].endswith(b"\r\n\r\n" + body)
    assert b"Content-Type" not in receiver.requests[0].partition(b"\r\n\r\n")[0]


async def test_cookies_are_never_sent_back():
    cookie = ANSWER.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=1; Path=/\r\n\r\n")
    async with receiving(cookie) as receiver, open_sender(LOOPBACK) as sender:
        first = await sender.send(a_call(receiver.url()))
        await sender.send(a_call(receiver.url()))
    assert ("Set-Cookie", "a=1; Path=/") in first.headers
    assert b"ookie" not in receiver.requests[1]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
@pytest.mark.parametrize(
    "location", ["/", "http://169.254.169.254/", "file:///etc/passwd", "", "::"]
)
async def test_a_redirect_is_shown_and_not_followed(status, location):
    head = f"HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    async with receiving(head.encode()) as receiver:
        outcome = await send(receiver.url())
    assert (outcome.status, outcome.error) == (status, None)
    assert dict(outcome.headers)["Location"] == location
    assert len(receiver.requests) == 1


async def test_a_connection_is_kept_for_the_next_call():
    async with receiving() as receiver, open_sender(LOOPBACK) as sender:
        first = await sender.send(a_call(receiver.url()))
        second = await sender.send(a_call(receiver.url()))
    assert receiver.connections == 1
    assert first.phases_ms["connect"] is not None
    assert second.phases_ms["connect"] is None


async def test_idle_connections_are_kept_to_few_hosts():
    lookup, _ = answers_of(["127.0.0.1"])
    hosts = [f"h{n}.example" for n in range(MOST_IDLE_HOSTS + 20)]
    async with receiving() as receiver, open_sender(LOOPBACK, lookup=lookup) as sender:
        calls = [a_call(receiver.url(host=host), budget=9) for host in hosts]
        for _ in range(2):
            await asyncio.gather(*map(sender.send, calls))
    assert receiver.connections >= len(hosts) + 20


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_request_is_not_repeated_when_a_kept_connection_closes(method):
    async with receiving(ANSWER, None) as receiver, open_sender(LOOPBACK) as sender:
        await sender.send(a_call(receiver.url()))
        outcome = await sender.send(a_call(receiver.url(), method))
    assert outcome.error is ErrorClass.RESET
    assert len(receiver.requests) == 2
    assert receiver.connections == 1


async def test_an_answer_given_before_it_was_asked_for_is_not_taken():
    early = ANSWER + ANSWER.replace(b"200 OK", b"500 No")
    async with receiving(early, ANSWER) as receiver, open_sender(LOOPBACK) as sender:
        await sender.send(a_call(receiver.url()))
        second = await sender.send(a_call(receiver.url()))
    assert second.status == 200
    assert receiver.connections == 2


async def test_proxies_of_the_environment_are_ignored(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with receiving() as receiver:
        assert (await send(receiver.url())).status == 200
