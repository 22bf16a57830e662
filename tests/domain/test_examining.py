"""What the verifier says of a call that somebody pasted."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from callboard.signing import keys
from callboard.signing.examine import examine, parse_headers, passes
from callboard.signing.keyring import Key, Keyring
from callboard.signing.schemes import Scheme

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ID, AT = "evt_1", int(NOW.timestamp())
BODY = '{"id":"evt_1","data":{ "url":"https://a.example/ü", "n": 1.50 }}'.encode()
SIGNING = [each for each in Scheme if each is not Scheme.NONE]
KEPT: dict[Scheme, list[str]] = {
    each: [keys.generate(each) for _ in range(2)] for each in SIGNING
}


def ring(scheme: Scheme, old_until: datetime = NOW - HOUR) -> Keyring:
    new, old = (keys.open_key(scheme, kept) for kept in KEPT[scheme])
    return Keyring(scheme, scheme.usual_header, (Key(new), Key(old, old_until)))


def received(scheme: Scheme, at: int = AT, **changed: str | None) -> dict[str, str]:
    """The headers of a call with BODY; None takes one away, _ stands for -."""
    found: dict[str, str | None] = dict(ring(scheme).headers(ID, at, BODY, NOW))
    found |= {"webhook-id": ID, "webhook-timestamp": str(at), "Content-Type": "x"}
    found |= {name.replace("_", "-"): value for name, value in changed.items()}
    return {name: value for name, value in found.items() if value is not None}


def failures(scheme, headers, body=BODY, keyring=None, now=NOW):
    steps = examine(keyring or ring(scheme), [*headers.items()], body, now)
    assert [each.name for each in steps] == ["headers", "time", "encoding", "signature"]
    bad = {each.name: each.text for each in steps if each.verdict == "failed"}
    assert passes(steps) == (not bad)
    return bad


@pytest.mark.parametrize("scheme", SIGNING)
class TestAnyScheme:
    def test_a_call_as_it_came_passes(self, scheme):
        shouted = {name.upper(): text for name, text in received(scheme).items()}
        assert failures(scheme, shouted) == {}

    def test_a_changed_byte_does_not(self, scheme):
        bad = failures(scheme, received(scheme), BODY.replace(b"evt_1", b"evt_2"))
        assert bad.keys() == {"signature"}
        assert "No key of this webhook gives this" in bad["signature"]

    def test_nor_does_the_signature_of_another_webhook(self, scheme):
        other = keys.open_key(scheme, keys.generate(scheme))
        changed = {scheme.usual_header: other(ID, AT, BODY)}
        bad = failures(scheme, received(scheme) | changed)
        assert "another key" in bad["signature"]

    def test_the_old_key_is_known_by_its_end(self, scheme):
        old = keys.open_key(scheme, KEPT[scheme][1])
        headers = received(scheme) | {scheme.usual_header: old(ID, AT, BODY)}
        bad = failures(scheme, headers)
        assert "signs no longer since 22 Nov 2026, 08:00 UTC" in bad["signature"]
        assert failures(scheme, headers, keyring=ring(scheme, NOW + HOUR)) == {}

    def test_a_missing_header_is_named_first(self, scheme):
        headers = received(scheme)
        del headers[scheme.usual_header]
        bad = failures(scheme, headers | {"Svix-Signature": "v1,abc"})
        assert bad == {
            "headers": f"{scheme.usual_header} is missing."
            " There is svix-signature: is it this webhook's?"
        }


@pytest.mark.parametrize(
    ("changed", "step", "words"),
    [
        ({"webhook_id": None}, "headers", "webhook-id is missing."),
        (
            {"webhook_id": None, "webhook_timestamp": ""},
            "headers",
            "webhook-id and webhook-timestamp are missing.",
        ),
        ({"webhook_timestamp": "soon"}, "time", "no number of whole seconds"),
        ({"webhook_timestamp": f"{AT}000"}, "time", "no number of whole seconds"),
        ({"webhook_signature": "abc"}, "encoding", "begins with v1, and a comma"),
        ({"webhook_signature": "v1a,YQ=="}, "encoding", "begins with v1, and a comma"),
        ({"webhook_signature": "v1,YQ=="}, "encoding", "1 bytes instead of 32"),
        ({"webhook_signature": "v1,Y"}, "encoding", "cut short"),
        ({"webhook_signature": "v1,a-_b"}, "encoding", "with + and /"),
        ({"webhook_signature": f"v1,{'ab' * 32}"}, "encoding", "written in hex"),
        ({"webhook_id": "evt_2"}, "signature", "the id or the time was changed"),
    ],
)
def test_what_can_go_wrong_with_standard_webhooks(changed, step, words):
    bad = failures(Scheme.STANDARD, received(Scheme.STANDARD, **changed))
    assert words in bad[step]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (300, None),
        (-300, None),
        (301, "5 minutes ago"),
        (3 * 3600, "3 hours ago"),
        (-7 * 86400, "7 days in the future"),
    ],
)
def test_a_call_is_good_for_five_minutes(seconds, words):
    headers = received(Scheme.STANDARD)
    later = NOW + timedelta(seconds=seconds)
    bad = failures(Scheme.STANDARD, headers, now=later)
    assert bad == {} if words is None else words in bad["time"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("ABCDEF" + "0" * 122, "in small letters"),
        ("ab", "2 hex digits instead of 128"),
        ("q" * 128, "not written in hex"),
    ],
)
def test_what_can_go_wrong_with_hex(value, words):
    scheme = Scheme.HMAC_SHA512_HEX
    bad = failures(scheme, received(scheme, X_Signature=value))
    assert words in bad["encoding"]


@pytest.mark.parametrize(
    ("sent", "got", "words"),
    [
        (b"{}", b"{}\n", "a line end was added"),
        (b"{}\n", b"{}", "the line end at its end is gone"),
        (b"{}", b" {} ", "white space was added"),
        (b"{}", b"\xef\xbb\xbf{}", "a byte order mark"),
        (b"a\nb", b"a\r\nb", "its line ends became CRLF"),
        (b"a\r\nb", b"a\nb", "its line ends (CRLF) became LF"),
        (
            json.dumps({"a": "/ü"}, separators=(",", ":")).encode(),
            '{\n  "a": "/ü"\n}'.encode(),
            "read as JSON and written again",
        ),
        (b'{"a": "\\/"}', b'{"a":"/"}', "read as JSON and written again"),
        (b'{"n":1.50,"s":" \\" "}', b'{ "n": 1.50, "s": " \\" " }', "written again"),
        (b'{"n":1}', b'{"n":2}', "No key of this webhook"),
    ],
)
def test_what_receivers_do_to_a_body_is_recognised(sent, got, words):
    scheme = Scheme.HMAC_SHA256_HEX
    headers = dict(ring(scheme).headers("", 0, sent, NOW))
    assert words in failures(scheme, headers, got)["signature"]


def test_a_hostile_body_takes_no_time():
    scheme = Scheme.HMAC_SHA256_HEX
    for body in (b'"' + b"\\" * 100_000, b"[" * 100_000, b" " * 100_000, b"9" * 9_999):
        assert failures(scheme, received(scheme), body).keys() == {"signature"}


def test_headers_that_come_twice_are_told():
    headers = [*received(Scheme.STANDARD).items(), ("Webhook-Id", "evt_9")]
    steps = examine(ring(Scheme.STANDARD), headers, BODY, NOW)
    assert steps[0].text == "webhook-id is there more than once. We send each once."


def test_headers_are_read_as_people_paste_them():
    pasted = "POST / HTTP/1.1\r\n> webhook-id: evt_1\n  X-A:b: c\n\nnonsense\n"
    assert parse_headers(pasted) == [("webhook-id", "evt_1"), ("X-A", "b: c")]
