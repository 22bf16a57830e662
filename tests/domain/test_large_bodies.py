"""A webhook's settings may multiply what an event brings; a worker bears it.

One template with one event would else be enough to end every worker, again and again.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from time import perf_counter

import pytest

from callboard.payload.composing import LARGEST_ARRAY, Body, Composer, as_array
from callboard.payload.settings import Payload
from callboard.payload.values import LARGEST_BODY, Facts, Unfilled
from callboard.schedule import Schedule
from tests.engine import Engine

LARGE = json.dumps({"a": "x" * 250_000})
OBJECT = json.dumps({"a": {f"k{n}": n for n in range(15_000)}})
LIST = json.dumps({"a": [""] * 50_000})
OF_OBJECTS = json.dumps({"a": [{f"k{n}": n for n in range(15_000)}]})
QUICK = 2.0  # it takes some hundredths, where it took many seconds


def array_of(slots: Sequence[str]) -> Payload:
    return Payload(format="template", template=f"[{','.join(slots)}]")


def made(
    payload: Payload, data: str, url: str = "http://a.example/"
) -> tuple[str, bytes]:
    composer = Composer(url, "POST", payload, "urn:callboard:acc", {})
    facts = Facts("evt_1", "contact.created", data, datetime.now(UTC))
    return composer.url(facts), composer.body(facts, 1).content


@pytest.mark.parametrize(
    "payload",
    [
        array_of(["${data}"] * 5),
        array_of(['"${data.a}"'] * 5),
        Payload(fields=tuple(f"a:b{n}" for n in range(5))),
    ],
    ids=["template", "within a string", "fields under other names"],
)
def test_no_body_is_made_that_is_larger_than_any_call(payload: Payload):
    with pytest.raises(Unfilled, match=f"larger than {LARGEST_BODY // 1024} KiB"):
        made(payload, LARGE)


def test_several_bodies_make_no_array_that_is_larger_than_any_call():
    body = Body(b"x" * LARGEST_BODY, ())
    assert len(as_array([body] * 31).content) < LARGEST_ARRAY
    with pytest.raises(Unfilled, match="larger than"):
        as_array([body] * 32 + [body])


def test_a_form_of_the_largest_event_goes_out_however_it_is_written():
    data = json.dumps("é" * 131_000, ensure_ascii=False)
    _, body = made(Payload(format="form"), data)
    assert 3 * len(data.encode()) < len(body) < LARGEST_BODY


@pytest.mark.parametrize(
    ("payload", "data", "url"),
    [
        (array_of([f"${{data.a.k{n}}}" for n in range(4000)]), OBJECT, "/"),
        (array_of(["${data.a.7}"] * 5000), LIST, "/"),
        (array_of(['"${data.a}"'] * 15), LIST, "/"),
        (Payload(), OBJECT, "/" + "${data.a.k1}" * 1000),
        (Payload(fields=tuple(f"a.k1:b{n}" for n in range(200))), OBJECT, "/"),
        (Payload(fields=tuple(f"a.k1:b{n}" for n in range(200))), OF_OBJECTS, "/"),
    ],
    ids=["object", "list", "list as a text", "URL", "fields", "fields in a list"],
)
def test_however_often_settings_name_a_large_event_it_is_read_quickly(
    payload: Payload, data: str, url: str
):
    begun = perf_counter()
    filled, body = made(payload, data, f"http://a.example{url}")
    assert body
    assert "$" not in filled
    assert perf_counter() - begun < QUICK


def test_a_url_is_not_filled_with_what_no_url_may_hold():
    begun = perf_counter()
    with pytest.raises(Unfilled, match="the URL is longer than"):
        made(Payload(), LARGE, "http://a.example/" + "${data.a}" * 1000)
    assert perf_counter() - begun < QUICK


async def test_a_delivery_whose_body_is_too_large_fails_and_says_so(engine: Engine):
    large = await engine.webhook("/large", payload=array_of(["${data}"] * 900))
    plain = await engine.webhook("/plain")
    await engine.post(LARGE.encode())
    await engine.work()
    assert await engine.states(large) == ["failed"]
    assert await engine.states(plain) == ["delivered"]
    (row,) = await engine.rows("SELECT reason FROM delivery WHERE state = 'failed'")
    assert "larger than 1024 KiB" in row["reason"]
    assert engine.receiver.at("/large") == []


async def test_a_call_of_many_events_that_is_too_large_fails_and_says_so(
    engine: Engine,
):
    payload = array_of(["${data}"] * 4)
    runs = Schedule(every_minutes=1, bucket_size=40)
    webhook = await engine.webhook("/large", payload=payload, delivery=runs)
    for _ in range(40):
        await engine.post(LARGE.encode())
    engine.skip(61)
    await engine.work()
    assert await engine.states(webhook) == ["failed"] * 40
    rows = await engine.rows("SELECT DISTINCT reason FROM delivery")
    assert [row["reason"] for row in rows] == [
        "With its values the body is larger than 32768 KiB."
        " Put fewer of them into one call."
    ]
