"""A webhook's settings may multiply what an event brings; a worker bears it.

One template with one event would else be enough to end every worker, again and again.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from time import process_time

import pytest

from callboard.delivery import by_hand
from callboard.payload.composing import LARGEST_ARRAY, Composer
from callboard.payload.settings import Payload
from callboard.payload.values import LARGEST_BODY, Facts, Unfilled
from callboard.schedule import Schedule
from tests.days import Days
from tests.engine import Engine

LARGE = json.dumps({"a": "x" * 250_000})
PLAIN = Payload()
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
    begun = process_time()
    filled, body = made(payload, data, f"http://a.example{url}")
    assert body
    assert "$" not in filled
    assert process_time() - begun < QUICK


def test_a_url_is_not_filled_with_what_no_url_may_hold():
    begun = process_time()
    with pytest.raises(Unfilled, match="the URL is longer than"):
        made(Payload(), LARGE, "http://a.example/" + "${data.a}" * 1000)
    assert process_time() - begun < QUICK


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


@pytest.mark.parametrize("ordered", [False, True])
async def test_what_one_call_cannot_hold_goes_in_the_next_one(
    days: Days, ordered: bool
):
    """And what fails is made again as it was."""
    runs = Schedule(every_minutes=5, bucket_size=40)
    payload = array_of(["${data}"] * 4)
    await days.webhook(runs, payload=payload, ordered=ordered)
    days.engine.receiver.script("/", 500, 200, 200)
    await days.post(*[LARGE.encode()] * 40)
    first, *_ = calls = [*await days.after(5), *await days.after(5)]
    assert await days.engine.states() == ["delivered"] * 40
    assert [len(json.loads(call.body)) for call in calls if call is not first] == (
        [33, 7] if ordered else [7, 33]
    )
    assert all(len(call.body) <= LARGEST_ARRAY for call in calls)
    rows = await days.engine.rows("SELECT request_body FROM attempt WHERE lead IS NULL")
    assert sorted(row["request_body"] for row in rows) == sorted(c.body for c in calls)
    (again,) = [call for call in calls[1:] if call.id == first.id]
    assert again.body == first.body
    (run, *_) = await days.engine.rows("SELECT calls FROM run ORDER BY id")
    assert run["calls"] == 2


async def test_whoever_leads_a_call_that_is_parted_goes_in_it(days: Days):
    """Here the last one, because a person tries it."""
    runs = Schedule(every_minutes=5, bucket_size=40)
    webhook = await days.webhook(runs, payload=PLAIN)
    days.engine.receiver.script("/", 500)
    await days.post(*[LARGE.encode()] * 40)
    await days.after(5)
    await days.change(webhook, payload=array_of(["${data}"] * 4))
    await by_hand.try_now(days.by, (await days.engine.deliveries())[-1])
    first, second = await days.after(0.1)
    assert [len(json.loads(call.body)) for call in (first, second)] == [33, 7]
    assert await days.engine.states() == ["delivered"] * 40
