"""Whom a call trusts, and what it says of certificates that it does not."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager

import pytest

from callboard.delivery.calls.sender import open_sender
from callboard.egress import tls
from callboard.outcome import ErrorClass
from tests.certificates import asks_for_certificates, authority, issue, receives, shows
from tests.make import later
from tests.wire import LOOPBACK, a_call, receiving, send


@pytest.fixture
def root():
    return authority()


@pytest.fixture
def trusting(root):
    """A client's TLS that trusts the test authority alone."""
    return ssl.create_default_context(cadata=root.pem)


@pytest.fixture
def good(root, tmp_path):
    return receives(issue("receiver", root), tmp_path)


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def asking(root, tmp_path, request):
    return asks_for_certificates(issue("receiver", root), root, tmp_path, request.param)


async def test_a_trusted_certificate_is_taken(good, trusting):
    async with receiving(tls=good) as receiver:
        outcome = await send(receiver.url(scheme="https"), tls=trusting)
    assert (outcome.status, outcome.error, outcome.body) == (200, None, b"ok")
    assert outcome.phases_ms["tls"] > 0
    assert outcome.phases_ms["connect"] > 0
    assert outcome.phases_ms["name"] is None


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"begins": later(days=-3), "ends": later(days=-1)}, "has expired"),
        ({"address": "127.0.0.2"}, "is for another address"),
    ],
    ids=["expired", "wrong address"],
)
async def test_a_wrong_certificate_is_told(root, trusting, tmp_path, wishes, words):
    wrong = receives(issue("receiver", root, **wishes), tmp_path)
    async with receiving(tls=wrong) as receiver:
        outcome = await send(receiver.url(scheme="https"), tls=trusting)
    assert (outcome.status, outcome.error) == (None, ErrorClass.TLS)
    assert words in outcome.detail
    assert receiver.requests == []


async def test_an_unknown_authority_is_not_trusted(good):
    async with receiving(tls=good) as receiver:
        outcome = await send(receiver.url(scheme="https"))
    assert outcome.error is ErrorClass.TLS
    assert "not trusted" in outcome.detail


async def test_a_receiver_without_tls_is_told():
    nonsense = b"HTTP/1.1 400 Bad\r\n\r\n" * 9

    async def serve(reader, writer):
        await reader.read(1)
        writer.write(nonsense)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        outcome = await send(f"https://127.0.0.1:{port}/")
    assert outcome.error is ErrorClass.TLS


async def test_a_client_certificate_belongs_to_one_call(
    root, asking, trusting, tmp_path
):
    client = ssl.create_default_context(cadata=root.pem)
    mine = shows(issue("client", root), client, tmp_path)
    async with (
        receiving(tls=asking) as receiver,
        open_sender(LOOPBACK, tls=trusting) as sender,
    ):
        call = a_call(receiver.url(scheme="https"))
        with_it = await sender.send(call, mine)
        without = await sender.send(call)
    assert with_it.status == 200
    assert without.status is None
    assert len(receiver.requests) == 1


@asynccontextmanager
async def failing_handshake(context):
    """A blocking server, which sends its alert before it closes; asyncio's does not."""

    def serve_one():
        connection, _ = listener.accept()
        with connection, pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(asyncio.to_thread(serve_one))
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/"
        await serving


async def test_a_receiver_that_asks_for_a_certificate_is_told(asking, trusting):
    async with failing_handshake(asking) as url:
        outcome = await send(url, tls=trusting)
    # TLS 1.3 asks after our side is done: its alert may lose to the closing.
    is_late = asking.maximum_version is ssl.TLSVersion.TLSv1_3
    late = {ErrorClass.RESET} if is_late else set()
    assert outcome.status is None
    assert outcome.error in {ErrorClass.TLS} | late


async def test_an_outdated_tls_version_is_told(good, trusting):
    good.maximum_version = ssl.TLSVersion.TLSv1_2
    trusting.minimum_version = ssl.TLSVersion.TLSv1_3
    async with failing_handshake(good) as url:
        outcome = await send(url, tls=trusting)
    assert outcome.error is ErrorClass.TLS
    assert "version" in outcome.detail


def test_less_than_tls_1_2_is_never_offered():
    assert tls.context().minimum_version >= ssl.TLSVersion.TLSv1_2
