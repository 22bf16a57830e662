"""What would break a request is an outcome and never goes out."""

import pytest

from callboard.outcome import ErrorClass
from tests.wire import receiving, send

BAD_HEADERS = {
    "CR LF": ("X-A", "b\r\nX-C: d"),
    "LF": ("X-A", "b\nc"),
    "NUL": ("X-A", "b\0c"),
    "escape": ("X-A", "\x1b[1m"),
    "latin": ("X-A", "é"),
    "emoji": ("X-A", "🙂"),
    "surrogate": ("X-A", "\ud800"),
    "CR LF in the name": ("X-A\r\nX-B", "c"),
    "space in the name": ("X A", "c"),
    "no name": ("", "c"),
    "latin name": ("é", "c"),
    "Host": ("host", "evil.example"),
    "Content-Length": ("Content-Length", "1"),
    "Transfer-Encoding": ("transfer-encoding", "chunked"),
    "Connection": ("Connection", "upgrade"),
    "Expect": ("Expect", "100-continue"),
}


@pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=BAD_HEADERS)
async def test_a_header_that_would_break_the_request_is_never_sent(header):
    async with receiving() as receiver:
        outcome = await send(receiver.url(), headers=[header])
    assert (outcome.status, outcome.error) == (None, ErrorClass.REQUEST)
    assert receiver.connections == 0
    assert header[1] not in outcome.detail or len(header[1]) == 1


BAD_URLS = [
    *(
        "",
        "127.0.0.1",
        "//127.0.0.1/",
        "http:/x",
        "http://",
        "http:///x",
        "http://a..b/",
    ),
    *(
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "ftp://127.0.0.1/",
        "ws://127.0.0.1/",
    ),
    *("data:text/plain,x", "javascript:alert(1)", "http+unix://x/", "http://xn--/"),
    *("http://127.0.0.1:65536/", "http://127.0.0.1:-1/", "http://127.0.0.1:x/"),
    *("http://u:p@127.0.0.1/", "http://u@127.0.0.1/", "http://a@b@127.0.0.1/"),
    *(r"http://good.example\@127.0.0.1/", "http://good.example%2f@127.0.0.1/"),
    *("http://[::1/", "http://[x]/", "http://127.0.0.1 /", "http://127.0.0.1/a b"),
    *("http://127.0.0.1/\r\nX-A: b", "http://127.0.0.1/\0", "http://127.0.0.1/\t"),
    *("http://127.0.0.1/é", "http://%31%32%37.0.0.1/", "http://127.0.0.1%00.example/"),
    *("http://2130706433/", "http://127.1/", "http://0177.0.0.1/", "http://0x7f.1/"),
    *("http://127.0.0.1/" + "a" * 20_000, "http://" + "a" * 64 + ".example/"),
]


@pytest.mark.parametrize("url", BAD_URLS, ids=lambda url: ascii(url[:40]))
async def test_a_bad_url_is_an_outcome(url):
    outcome = await send(url)
    assert (outcome.status, outcome.error) == (None, ErrorClass.REQUEST)


async def test_an_odd_method_is_an_outcome():
    async with receiving() as receiver:
        for method in (
            "CONNECT",
            "TRACE",
            "post",
            "GET /x HTTP/1.1\r\nA: b\r\n\r\nGET",
        ):
            outcome = await send(receiver.url(), method=method)
            assert outcome.error is ErrorClass.REQUEST
    assert receiver.connections == 0
