"""What goes over the wire, to whom, and what a failure is called."""

import asyncio
import datetime
import ipaddress
import re
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from callboard.delivery.request import Call
from callboard.delivery.sender import open_sender
from callboard.egress.policy import EgressPolicy, parse_destinations
from callboard.egress.pool import MOST_IDLE_HOSTS
from callboard.egress.transport import GuardedTransport
from callboard.outcome import ErrorClass

LOOPBACK = EgressPolicy(allow=parse_destinations("127.0.0.0/8"))
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Receiver:
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def url(self, path="/", host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}{path}"


@asynccontextmanager
async def receiving(*answers, tls=None):
    """Takes requests; gives the answers in turn, the last one for ever after.

    An answer of None closes the connection.
    """
    receiver, tasks, left = Receiver(), set(), list(answers or [ANSWER])

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        receiver.connections += 1
        try:
            while True:
                receiver.requests.append(await read_request(reader))
                answer = left.pop(0) if len(left) > 1 else left[0]
                if answer is None:
                    break
                writer.write(answer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)\r\n", head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


def a_call(url, method="POST", headers=(), body=b"{}", budget=2.0):
    return Call(method, url, tuple(headers), body, budget)


async def send(url, policy=LOOPBACK, *, lookup=None, tls=None, client=None, **parts):
    async with open_sender(policy, lookup=lookup, tls=tls) as sender:
        return await sender.send(a_call(url, **parts), client)


def answers_of(*answers):
    """A look-up that gives these lists of addresses in turn, the last for ever."""
    left, asked = list(answers), []

    async def lookup(name):
        asked.append(name)
        return left.pop(0) if len(left) > 1 else left[0]

    return lookup, asked


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
    assert outcome.seconds < 0.5
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


# TLS


@dataclass
class Authority:
    """Signs certificates for these tests and is trusted by `client()` only."""

    folder: object
    key: object = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self):
        self.certificate = self.sign("Callboard test authority", self.key, ca=True)

    def sign(self, name, key, *, ca=False, days=1, host="127.0.0.1"):
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if ca else self.certificate.subject
        address = x509.IPAddress(ipaddress.ip_address(host))
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=3))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256())

    def load(self, context, name, **wishes):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.sign(name, key, **wishes)
        pem = serialization.Encoding.PEM
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        path = self.folder / f"{name}.pem"
        path.write_bytes(key.private_bytes(pem, *form) + certificate.public_bytes(pem))
        context.load_cert_chain(path)
        return context

    def server(self, **wishes):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        return self.load(context, "server", **wishes)

    def client(self):
        pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        return ssl.create_default_context(cadata=pem.decode())


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


async def test_a_trusted_certificate_is_taken(authority):
    async with receiving(tls=authority.server()) as receiver:
        outcome = await send(receiver.url(scheme="https"), tls=authority.client())
    assert (outcome.status, outcome.error, outcome.body) == (200, None, b"ok")
    assert outcome.phases_ms["tls"] > 0
    assert outcome.phases_ms["connect"] > 0
    assert outcome.phases_ms["name"] is None


@pytest.mark.parametrize(
    ("wishes", "words"),
    [({"days": -1}, "has expired"), ({"host": "127.0.0.2"}, "is for another address")],
    ids=["expired", "wrong name"],
)
async def test_a_wrong_certificate_is_told(authority, wishes, words):
    async with receiving(tls=authority.server(**wishes)) as receiver:
        outcome = await send(receiver.url(scheme="https"), tls=authority.client())
    assert (outcome.status, outcome.error) == (None, ErrorClass.TLS)
    assert words in outcome.detail
    assert receiver.requests == []


async def test_an_unknown_authority_is_not_trusted(authority):
    async with receiving(tls=authority.server()) as receiver:
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


@pytest.fixture
def asking(authority):
    """A context for servers that ask for a client certificate."""
    context = authority.server()
    context.verify_mode = ssl.CERT_REQUIRED
    der = authority.certificate.public_bytes(serialization.Encoding.DER)
    context.load_verify_locations(cadata=der)
    return context


async def test_a_client_certificate_belongs_to_one_call(authority, asking):
    mine = authority.load(authority.client(), "client")
    async with (
        receiving(tls=asking) as receiver,
        open_sender(LOOPBACK, tls=authority.client()) as sender,
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


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_receiver_that_asks_for_a_certificate_is_told(
    authority, asking, version
):
    asking.maximum_version = version
    async with failing_handshake(asking) as url:
        outcome = await send(url, tls=authority.client())
    # TLS 1.3 asks after our side is done: its alert may lose to the closing.
    late = {ErrorClass.RESET} if version is ssl.TLSVersion.TLSv1_3 else set()
    assert outcome.status is None
    assert outcome.error in {ErrorClass.TLS} | late


async def test_an_outdated_tls_version_is_told(authority):
    outdated, client = authority.server(), authority.client()
    outdated.maximum_version = ssl.TLSVersion.TLSv1_2
    client.minimum_version = ssl.TLSVersion.TLSv1_3
    async with failing_handshake(outdated) as url:
        outcome = await send(url, tls=client)
    assert outcome.error is ErrorClass.TLS
    assert "version" in outcome.detail
    assert ssl.create_default_context().minimum_version >= ssl.TLSVersion.TLSv1_2


# The same gates for clients of httpx


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
