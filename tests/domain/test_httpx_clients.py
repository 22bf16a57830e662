"""Clients of httpx pass the same gates as the sender."""

import httpx
import pytest

from callboard.egress.transport import GuardedTransport
from tests.wire import LOOPBACK, answers_of, receiving


async def test_httpx_clients_use_the_same_transport():
    async with receiving() as receiver:
        transport = GuardedTransport(LOOPBACK)
        async with httpx.AsyncClient(transport=transport) as client:
            response = await client.post(receiver.url(), data={"a": "b"})
    assert (response.status_code, response.text) == (200, "ok")
    assert receiver.requests[0].endswith(b"\r\n\r\na=b")
    assert receiver.requests[0].count(b"ost:") == 1


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://10.0.0.1/", httpx.ConnectError),
        ("http://callboard.test/", httpx.ConnectError),
        ("http://127.1/", httpx.LocalProtocolError),
    ],
)
async def test_httpx_clients_get_errors_of_httpx(url, error):
    lookup, _ = answers_of(["10.20.30.40"])
    transport = GuardedTransport(LOOPBACK, lookup=lookup)
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(error) as raised:
            await client.get(url)
    assert "10.20.30.40" not in str(raised.value)


async def test_httpx_clients_are_not_kept_waiting():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    async with receiving(head) as receiver:
        transport = GuardedTransport(LOOPBACK)
        async with httpx.AsyncClient(transport=transport, timeout=0.2) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get(receiver.url())
