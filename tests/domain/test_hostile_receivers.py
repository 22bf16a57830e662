"""Whatever a receiver does, a call comes to one Outcome, in time and in bounds."""

import asyncio
import gzip
import socket
import tracemalloc
from time import monotonic

import pytest

from callboard.delivery.calls.sender import BODY_CAP, HEADER_BYTES_CAP, HEADERS_CAP
from tests.hostile import (
    AMPLE,
    ANSWERED,
    BROKEN_BODY,
    BUDGET,
    CHUNKED,
    LATEST,
    LENGTH,
    NO_STATUS,
    OK,
    RESET,
    TIMEOUT,
    ZEROS,
    answering,
    call,
    close_at_once,
    outcome_of,
    receiving,
    repeating,
    reset_at_once,
    silence,
)
from tests.receiver import WITHIN


@pytest.mark.parametrize(("behave", "error"), NO_STATUS.values(), ids=NO_STATUS)
async def test_no_answer_is_one_failed_outcome(behave, error):
    budget = BUDGET if error is TIMEOUT else AMPLE
    outcome = await outcome_of(behave, budget=budget)
    assert (outcome.status, outcome.error) == (None, error)
    assert outcome.seconds < budget + LATEST
    assert outcome.detail.endswith(".")
    assert (outcome.headers, outcome.body) == ((), b"")


@pytest.mark.parametrize(("behave", "error"), BROKEN_BODY.values(), ids=BROKEN_BODY)
async def test_an_answer_that_breaks_keeps_its_status_and_fails(behave, error):
    budget = BUDGET if error is TIMEOUT else AMPLE
    outcome = await outcome_of(behave, budget=budget)
    assert outcome.status is not None
    assert outcome.error == error
    assert outcome.seconds < budget + LATEST


@pytest.mark.parametrize(("behave", "body"), ANSWERED.values(), ids=ANSWERED)
async def test_an_odd_answer_that_is_whole_counts(behave, body):
    outcome = await outcome_of(behave, budget=AMPLE)
    assert (outcome.status, outcome.error, outcome.body) == (200, None, body)
    "".join(name + value for name, value in outcome.headers).encode()


@pytest.mark.parametrize(
    "behave",
    [
        repeating(b"x" * 65_536, before=OK + b"\r\n"),
        repeating(b"10000\r\n" + b"x" * 65_536 + b"\r\n", before=CHUNKED),
        repeating(b"1\r\nx\r\n" * 9999, before=CHUNKED),
        answering(OK + LENGTH % 10**15, b"x" * 65_537, then="hang"),
    ],
    ids=["unframed", "chunked", "tiny chunks", "long"],
)
async def test_an_endless_body_is_cut_at_the_cap(behave):
    outcome = await outcome_of(behave, budget=AMPLE)
    assert (outcome.status, outcome.error) == (200, None)
    assert outcome.body == b"x" * BODY_CAP
    assert outcome.truncated
    assert outcome.seconds < 2


async def test_a_body_of_exactly_the_cap_is_whole():
    body = b"x" * BODY_CAP
    outcome = await outcome_of(answering(OK + LENGTH % BODY_CAP, body), budget=AMPLE)
    assert (outcome.body, outcome.truncated) == (body, False)


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"zstd"])
async def test_a_compressed_bomb_stays_as_small_as_it_came(encoding):
    bomb = gzip.compress(bytes(20_000_000)) if encoding == b"gzip" else ZEROS
    head = OK + b"Content-Encoding: " + encoding + b"\r\n" + LENGTH % len(bomb)
    tracemalloc.start()
    try:
        outcome = await outcome_of(answering(head, bomb), budget=AMPLE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (outcome.error, outcome.body) == (None, bomb[:BODY_CAP])
    assert peak < 4_000_000


FLOODS = ("1xx flood", "endless headers", "endless header", "5000 headers")


@pytest.mark.parametrize("case", FLOODS)
async def test_a_flood_takes_little_memory(case):
    tracemalloc.start()
    try:
        await outcome_of(NO_STATUS[case][0])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000


async def test_what_is_kept_of_the_headers_is_bounded():
    many = b"".join(b"X-%d: %s\r\n" % (n, b"v" * 200) for n in range(120))
    outcome = await outcome_of(answering(OK + many + LENGTH % 0), budget=AMPLE)
    sizes = [len(name) + len(value) for name, value in outcome.headers]
    assert outcome.error is None
    assert len(sizes) <= HEADERS_CAP
    assert 10_000 < sum(sizes) <= HEADER_BYTES_CAP


@pytest.mark.parametrize("value", [b"-1", b"1e9", b"NaN", b"x" * 8000, b"\xff"])
async def test_any_retry_after_is_only_text(value):
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: " + value + b"\r\n" + LENGTH % 0
    outcome = await outcome_of(answering(busy), budget=AMPLE)
    assert (outcome.status, outcome.error) == (503, None)
    assert dict(outcome.headers)["Retry-After"] == value.decode("utf-8", "replace")


async def test_a_handshake_that_never_ends_is_a_time_out():
    outcome = await outcome_of(silence, scheme="https")
    assert (outcome.status, outcome.error) == (None, TIMEOUT)
    assert outcome.seconds < BUDGET + LATEST


@pytest.mark.parametrize("behave", [close_at_once, reset_at_once])
async def test_a_handshake_that_breaks_off_is_a_reset(behave):
    outcome = await outcome_of(behave, scheme="https", budget=AMPLE)
    assert (outcome.status, outcome.error) == (None, RESET)


async def test_an_answer_before_the_body_was_taken_counts():
    async def answer_early(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + LENGTH % 2 + b"ok")
        await reader.read()

    outcome = await outcome_of(answer_early, body=b"x" * 20_000_000, budget=AMPLE)
    assert (outcome.status, outcome.error) == (200, None)


async def test_a_receiver_that_takes_no_body_does_not_keep_the_connection():
    size, over = 50_000_000, asyncio.Event()
    taken = asyncio.get_running_loop().create_future()

    async def take_nothing(reader, writer):
        writer.transport.pause_reading()
        await over.wait()
        writer.transport.resume_reading()
        total = 0
        try:
            while chunk := await reader.read(1_000_000):
                total += len(chunk)
        except ConnectionError:
            pass
        taken.set_result(total)

    async with receiving(take_nothing) as port:
        outcome = await call(port, body=b"x" * size)
        over.set()
        assert outcome.error is TIMEOUT
        assert await asyncio.wait_for(taken, WITHIN) < size


async def test_a_connect_that_never_ends_is_a_time_out():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        outcome = await call(address[1])
        for filler in fillers:
            filler.close()
    assert (outcome.status, outcome.error) == (None, TIMEOUT)
    assert outcome.seconds < BUDGET + LATEST


async def test_hostile_receivers_cost_a_good_one_nothing():
    good, bad = answering(OK + LENGTH % 2 + b"ok"), NO_STATUS["1xx flood"][0]
    async with receiving(good) as good_port, receiving(bad) as bad_port:
        started = monotonic()
        results = await asyncio.gather(
            *(call(bad_port) for _ in range(20)), call(good_port, budget=AMPLE)
        )
        assert results[-1].status == 200
        assert monotonic() - started < 5
