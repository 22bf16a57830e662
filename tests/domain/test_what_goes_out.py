"""Whatever people type: what goes out is what the preview shows, and not more of it.

Each of the inputs, URL, template, headers and filter, is thrown at the rules; what they
let through is sent, and the bytes on the wire are held against the preview.
"""

import asyncio
import json
from dataclasses import replace
from time import process_time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from callboard.delivery.calls import request
from callboard.delivery.calls.request import Call
from callboard.delivery.calls.sender import open_sender
from callboard.delivery.calls.targets import Target, composer_of, target_of
from callboard.insight import trial
from callboard.matching.filters import FilterSettings, check_filters, compile_filters
from callboard.matching.selector_syntax import LONGEST_FILTER
from callboard.matching.subject import Subject
from callboard.payload.settings import Payload, check_payload
from callboard.payload.shapes import Shape
from callboard.payload.templates import LONGEST_TEMPLATE
from callboard.payload.values import Facts
from callboard.signing.keyring import UNSIGNED
from callboard.webhooks.headers import LARGEST_HEADERS, check_headers
from callboard.webhooks.rules import check_slots, check_url
from callboard.webhooks.settings import NewWebhook
from callboard.webhooks.urls import LONGEST_URL
from tests import make
from tests.wire import LOOPBACK, receiving

SHAPES = {"contact.created": Shape({"short": "data.v"})}
SHORT = SHAPES["contact.created"].placeholders
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EVENT_ID = "evt_01k"
LONG = 5.0  # seconds of this process; what is linear takes a hundredth

SLOTS = st.sampled_from(["${data.v}", "${short}", "${type}", "${id}", "${context}"])
ODD = st.text(st.sampled_from("/?&=#%{}$:@\\\"' \r\n\t;,.ä🎈\0a1"), max_size=8)
TAILS = st.lists(SLOTS | ODD | st.sampled_from(["/", "?", "&x=", "%2f", ".."]))
URLS = TAILS.map("".join)
TEMPLATES = st.lists(
    SLOTS | st.sampled_from(['"', "{", "}", ":", ",", '{"a":', '"}', "1", "\n", "ä"])
).map("".join) | st.sampled_from(['{"a":"${data.v}","b":${data.v}}', "[${short}]"])
NAMES = st.text("aX-_!: \r\n\0ä", max_size=8) | st.sampled_from(["X-A", "Host", "TE"])
TEXTS = st.text(max_size=12) | st.text("a: \r\n\0\t", max_size=8)
HEADERS = st.dictionaries(NAMES, TEXTS, max_size=3)
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=20)


@st.composite
def webhooks(draw: st.DrawFn) -> NewWebhook | None:
    """None for what the rules refuse; the address of the receiver is still to come."""
    url = "http://127.0.0.1:1/" + draw(URLS)
    method = draw(st.sampled_from(METHODS))
    payload = Payload("none" if method == "GET" else draw(st.sampled_from(FORMATS)))
    if payload.format == "template":
        payload = Payload("template", draw(TEMPLATES))
    headers = draw(HEADERS)
    plain, problems = check_url(url, True, SHORT)
    if plain is None or problems or check_slots(url, method, SHORT):
        return None
    if check_headers(headers) or check_payload(payload, method, SHAPES):
        return None
    return NewWebhook(
        url=plain, events=("*",), method=method, headers=headers, payload=payload
    )


FORMATS = ("standard", "data", "template", "form", "cloudevents", "none")


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(new=webhooks().filter(bool), value=VALUES)
def test_what_is_sent_is_what_the_preview_shows(new, value):
    data = json.dumps({"v": value})
    facts = Facts(EVENT_ID, "contact.created", data, make.NOW, '["region.7"]')
    shown, built, came = asyncio.run(preview_and_send(new, facts))
    assert built == shown
    assert bool(came) != bool(shown.problem)
    if came:
        must_be(shown, came)


async def preview_and_send(new: NewWebhook, facts: Facts) -> tuple[Call, Call, bytes]:
    """What is shown, what is built, and what came; nothing if it cannot be sent."""
    async with receiving() as receiver, open_sender(LOOPBACK) as sender:
        url = new.url.replace(":1/", f":{receiver.port}/", 1)
        target = target_for(replace(new, url=url))
        shown = trial.preview(target, facts, make.NOW).call
        call = request.build(target, facts, 1, make.NOW)
        if shown.problem:
            return shown, call, b""
        outcome = await sender.send(call)
        assert outcome.status == 200, outcome
        (came,) = receiver.requests
        return shown, call, came


def target_for(new: NewWebhook) -> Target:
    composer = composer_of(new, "acc_1", SHAPES)
    return target_of(new, composer, UNSIGNED)


def must_be(shown: Call, came: bytes) -> None:
    """The preview and the few lines that the sender adds; nothing twice, or more."""
    place = shown.url.index("/", len("http://"))
    host = shown.url[len("http://") : place]
    head, _, body = came.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first == f"{shown.method} {shown.url[place:]} HTTP/1.1"
    assert body == shown.body
    own = [f"{name}: {text}".strip() for name, text in shown.headers]
    added = [f"Host: {host}", f"Content-Length: {len(shown.body)}"]
    if not shown.body:
        added = [each for each in added if each in lines]
    assert sorted(line.strip() for line in lines) == sorted([*own, *added])


FRAGMENTS = st.text(
    st.sampled_from("${}data.v/?&=#%\\\"'()[]*+|;:^ \n\r-_aA1ä,@<>"), min_size=1
)


@settings(max_examples=60)
@example(fragment='"\\', more="")  # strings that do not end
@given(fragment=FRAGMENTS, more=st.sampled_from(["", "http://a/", "a=", '{"a":"']))
def test_no_input_takes_more_than_linear_time_to_judge(fragment, more):
    """Each filled to its bound with the same again and again, and far beyond it."""
    begun = process_time()
    for bound, judge in (
        (LONGEST_URL, lambda text: check_url(text, True, SHORT)),
        (LONGEST_TEMPLATE, judge_template),
        (LARGEST_HEADERS, lambda text: check_headers({"X-A": text, text: "a"})),
        (LONGEST_FILTER, lambda text: check_filters(FilterSettings(filter=text))),
        (LONGEST_FILTER, lambda text: judge_conditions(text)),
    ):
        text = more + fragment * (bound // len(fragment) + 1)
        judge(text[:bound])
        judge(text * 3)
    assert process_time() - begun < LONG


def judge_template(text: str) -> None:
    payload = Payload("template", text)
    if check_payload(payload, "POST", SHAPES):
        return
    target = target_for(NewWebhook(url="http://h/", events=("*",), payload=payload))
    facts = Facts(EVENT_ID, "contact.created", '{"v": "x"}', make.NOW, "[]")
    trial.preview(target, facts, make.NOW)


def judge_conditions(text: str) -> None:
    for key, value in ((text, ""), ("a", text), ("a:after", text), ("0", text)):
        check_filters(FilterSettings(conditions={key: value}))


@pytest.mark.parametrize(
    "wanted",
    [
        *(
            FilterSettings(filter=text)
            for text in (
                "v=(a+)+b",
                "v=(a|aa)*b",
                "v(*)=(.*a){10}b",
                "v(w=(a*)*b).x=1",
                "v(*).v(*).v(*)=b",
            )
        ),
        *(
            FilterSettings(conditions=conditions)
            for conditions in (
                {"v.v.v.v": "b"},
                {"v:contains": "ab" * 1000},
                {"v:in": ",".join("ab" for _ in range(100))},
                {"v:after": "last monday of next month"},
            )
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "value",
    [
        "a" * 200_000,
        ["a" * 4000] * 60,
        [{"w": "a" * 100, "v": [{"v": "a"}] * 40}] * 40,
        [[["a"] * 30] * 30] * 30,
        list(range(50_000)),
    ],
    ids=["long", "many long", "nested", "lists", "numbers"],
)
def test_no_filter_takes_long_on_any_event(wanted, value):
    assert check_filters(wanted) == []
    filters = compile_filters(wanted, {})
    begun = process_time()
    subject = Subject(json.dumps({"v": value}), make.NOW)
    assert not filters.passes(subject)
    filters.explain(subject)
    assert process_time() - begun < 1


def test_a_line_more_on_the_wire_would_be_noticed():
    call = Call("POST", "http://h/", (("X-A", "b"),), b"{}", 1)
    head = b"POST / HTTP/1.1\r\nHost: h\r\nX-A: b\r\nContent-Length: 2"
    must_be(call, head + b"\r\n\r\n{}")
    with pytest.raises(AssertionError):
        must_be(call, head + b"\r\nX-Evil: 1\r\n\r\n{}")
