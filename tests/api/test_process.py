"""The web process as platforms start and stop it."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from callboard.config import Settings
from tests import make
from tests.cast import Cast, Person
from tests.servers import free_port

WITHIN = 30.0
Process = subprocess.Popen[str]

EVENT: dict[str, Any] = {"type": "contact.created", "data": {}}


def run(**environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "web"],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )


@contextmanager
def running(
    output: Path, **environ: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    with output.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "web"],
            env=os.environ | environ | {"PORT": str(port)},
            stdout=written,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(url, process)
            yield process, url
        finally:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            assert httpx.get(f"{url}/healthz").status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(url)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output.txt"


def test_wrong_settings_stop_the_start_all_at_once():
    ended = run(PORT="x", LOG_FORMAT="xml", SECRET_KEY="")
    assert ended.returncode == 1
    assert [line.split(":")[0].strip() for line in ended.stderr.splitlines()] == [
        "Wrong settings",
        "PORT",
        "SECRET_KEY",
        "LOG_FORMAT",
    ]


def test_an_old_schema_stops_the_start(settings: Settings, tmp_path: Path):
    ended = run(DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "callboard migrate" in ended.stderr


def test_a_database_that_is_away_stops_the_start(settings: Settings):
    ended = run(DATABASE_URL=f"postgres://nobody@127.0.0.1:{free_port()}/nothing")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("processes", ["1", "2"])
def test_it_serves_and_ends_when_asked(
    cast: Cast, settings: Settings, output: Path, processes: str
):
    with running(output, WEB_CONCURRENCY=processes) as (process, url):
        answer = httpx.post(
            f"{url}/api/v1/events", json=EVENT, headers=cast.alice.headers
        )
        assert answer.status_code == 422  # there is no such type, but somebody looked
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=WITHIN) in (0, -signal.SIGTERM)
    lines = output.read_text().splitlines()
    assert all(" INFO uvicorn.error " in line for line in lines), lines


@pytest.mark.parametrize(
    "length", ["Content-Length: 1000000000", "Transfer-Encoding: chunked"]
)
def test_it_reads_no_more_than_it_takes(
    cast: Cast, settings: Settings, output: Path, length: str
):
    """Whatever was announced, the answer comes before the body has ended."""
    head = (
        f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\n{length}\r\n"
        f"Authorization: Bearer {cast.alice.key}\r\n\r\n"
    )
    body = b" " * 300_000
    if "chunked" in length:
        body = b"%x\r\n%s\r\n" % (len(body), body)
    with running(output) as (_, url):
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=WITHIN) as caller:
            caller.sendall(head.encode() + body)
            assert caller.recv(100).startswith(b"HTTP/1.1 413 ")


async def test_who_sends_slowly_keeps_no_other_account_waiting(
    cast: Cast, settings: Settings, output: Path
):
    """However much it says will come. Without a share for each the large event would
    wait for one after the other, half a minute each."""
    for person in (cast.alice, cast.charlie):
        await make.event_type(person.account, EVENT["type"])
    head = (
        "POST /api/v1/events/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n"
        f"Authorization: Bearer {cast.alice.key}\r\n\r\n"
    )
    with running(output) as (_, url), ExitStack() as senders:
        for _ in range(3):
            address = ("127.0.0.1", int(url.rpartition(":")[2]))
            sender = senders.enter_context(socket.create_connection(address))
            sender.sendall(head.encode() + b'{"events": [')
        assert status(url, cast.alice, EVENT) == 202  # now those before are inside
        assert status(url, cast.charlie, EVENT | {"data": "x" * 200_000}) == 202


def status(url: str, sender: Person, event: dict[str, Any]) -> int:
    """Before the first of those that are slow is given up."""
    path = f"{url}/api/v1/events"
    answer = httpx.post(path, json=event, headers=sender.headers, timeout=20)
    return answer.status_code


@pytest.mark.parametrize("by", ["http", "https"])
def test_every_answer_tells_browsers_to_guess_nothing_and_to_come_by_tls(
    cast: Cast, settings: Settings, output: Path, by: str
):
    paths = ("/healthz", "/api/schema", "/static/app.js", "/login", "/nowhere", "/ä")
    with running(output, PUBLIC_URL=f"{by}://callboard.test") as (_, url):
        for path in paths:
            headers = httpx.get(url + path).headers
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert ("Strict-Transport-Security" in headers) is (by == "https"), path
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=WITHIN) as caller:
            caller.sendall(b"nonsense\r\n\r\n")
            answer = caller.recv(1000)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"nosniff" in answer


def test_an_answer_is_one_packet(cast: Cast, settings: Settings, output: Path):
    """Each more would wake the caller once more."""
    with running(output) as (_, url):
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with socket.create_connection(address, timeout=WITHIN) as caller:
            caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += caller.recv(1000)
            assert packets_received(caller) == 1


def packets_received(caller: socket.socket) -> int:
    """Of those with data in them: Linux's `tcpi_data_segs_in`."""
    found = caller.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
    return int(struct.unpack_from("I", found, 152)[0])
