"""What auth a webhook may have, and which headers it makes."""

from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from callboard.auth.settings import KINDS, MASK, Auth, headers_of
from callboard.egress.sendable import check_request
from callboard.webhooks.auth_rules import check
from callboard.webhooks.settings import NewWebhook
from tests.certificates import (
    FOR_CLIENTS,
    FOR_SERVERS,
    authority,
    issue,
    large_rsa_key,
)
from tests.make import NOW

TOKEN_URL = "https://id.example/token"
OAUTH2 = {"token_url": TOKEN_URL, "client_id": "me", "client_secret": "s3cret"}


def problems_of(auth: Auth, url: str = "https://r.example/", **settings: Any):
    new = NewWebhook(url=url, events=("*",), auth=auth, **settings)
    _, problems = check(new, allow_http=False, now=NOW)
    return problems


def wrong(type: str, /, **given: str | None) -> dict[str, str]:
    return {p.field: p.code for p in problems_of(Auth.of(type, given))}


@pytest.mark.parametrize(
    ("type", "given"),
    [
        ("none", {}),
        ("basic", {"username": "ann", "password": "x:ü y"}),
        ("basic", {"username": "an-api-key", "password": ""}),
        ("header", {"name": "X-Api-Key", "value": "a b=c"}),
        ("header", {"name": "Authorization", "value": "ApiKey 1"}),
        ("bearer", {"token": "abc.def-_~+/="}),
        ("oauth2", OAUTH2),
        ("oauth2", OAUTH2 | {"scope": "a b", "audience": "x", "client_auth": "post"}),
    ],
)
def test_auth_that_is_fine(type, given):
    assert problems_of(Auth.of(type, given)) == []


@pytest.mark.parametrize(
    ("type", "given", "found"),
    [
        ("magic", {}, {"type": "unknown"}),
        ("none", {"username": "x"}, {"username": "unknown"}),
        ("basic", {}, {"username": "missing", "password": "missing"}),
        ("basic", {"username": "  ", "password": "x"}, {"username": "missing"}),
        (
            "basic",
            {"username": "a:b", "password": "x\ny"},
            {"username": "characters", "password": "characters"},
        ),
        (
            "basic",
            {"username": "a" * 1025, "password": "x" * 8193},
            {"username": "too_long", "password": "too_long"},
        ),
        ("header", {"value": "x y\r\nHost: evil"}, {"name": "missing", "value": None}),
        ("header", {"name": "Host", "value": "x"}, {"name": "refused"}),
        ("header", {"name": "webhook-id", "value": "x"}, {"name": "refused"}),
        ("header", {"name": "Content-Length", "value": "x"}, {"name": "refused"}),
        ("header", {"name": "X Y", "value": "ü"}, {"name": None, "value": None}),
        ("header", {"name": "X-Y", "value": ""}, {"value": "missing"}),
        ("bearer", {}, {"token": "missing"}),
        ("bearer", {"token": "Bearer abc"}, {"token": "characters"}),
        ("bearer", {"token": "a b"}, {"token": "characters"}),
        ("bearer", {"token": "a\nb"}, {"token": "characters"}),
        ("bearer", {"token": "a", "value": "b"}, {"value": "unknown"}),
        (
            "oauth2",
            {"token_url": "http://id.example/"},
            {"token_url": "scheme", "client_id": "missing", "client_secret": "missing"},
        ),
        ("oauth2", OAUTH2 | {"token_url": "file:///etc"}, {"token_url": None}),
        ("oauth2", OAUTH2 | {"token_url": TOKEN_URL + "#x"}, {"token_url": "fragment"}),
        ("oauth2", OAUTH2 | {"token_url": "https://u:p@x/"}, {"token_url": "userinfo"}),
        (
            "oauth2",
            OAUTH2 | {"token_url": TOKEN_URL + "?x=${id}"},
            {"token_url": "placeholder"},
        ),
        (
            "oauth2",
            OAUTH2 | {"scope": "a\nb", "audience": "ü", "client_auth": "jwt"},
            {"scope": None, "audience": None, "client_auth": "unknown"},
        ),
        ("mtls", {}, {"certificate": "missing", "private_key": "missing"}),
    ],
)
def test_everything_that_is_wrong_is_told_at_once(type, given, found):
    """None: whatever its code is."""
    told = wrong(type, **given)
    wanted = {f"auth.{field}": code for field, code in found.items()}
    assert told.keys() == wanted.keys()
    assert told == {field: wanted[field] or code for field, code in told.items()}


def test_a_mask_that_comes_back_is_no_secret():
    assert wrong("bearer", token=MASK) == {"auth.token": "missing"}


@pytest.mark.parametrize("type", [each for each in KINDS if each != "none"])
def test_no_repr_and_no_kept_form_holds_a_secret(type):
    auth = Auth.of(type, {KINDS[type].secret: "s3cret", "username": "ann"})
    assert "s3cret" not in repr(auth)
    assert "s3cret" not in repr(auth.kept())
    assert "s3cret" not in repr(auth.masked())


def test_a_header_that_auth_sets_cannot_be_an_own_header_too():
    auth = Auth.of("bearer", {"token": "x"})
    (problem,) = problems_of(auth, headers={"authorization": "y", "X-Env": "prod"})
    assert (problem.field, problem.code) == ("headers.authorization", "auth")


@pytest.mark.parametrize(
    ("type", "given", "headers"),
    [
        ("none", {}, []),
        (  # RFC 7617, 2 and 2.1
            "basic",
            {"username": "Aladdin", "password": "open sesame"},
            [("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")],
        ),
        (
            "basic",
            {"username": "test", "password": "123£"},
            [("Authorization", "Basic dGVzdDoxMjPCow==")],
        ),
        ("header", {"name": "X-Key", "value": "v"}, [("X-Key", "v")]),
        ("bearer", {"token": "t"}, [("Authorization", "Bearer t")]),
        ("oauth2", OAUTH2, []),
    ],
)
def test_the_headers_that_a_kind_adds(type, given, headers):
    assert list(headers_of(Auth.of(type, given))) == headers


@given(
    st.sampled_from(["basic", "header", "bearer"]),
    st.dictionaries(
        st.sampled_from(["username", "password", "name", "value", "token"]), st.text()
    ),
)
def test_whatever_passes_the_rules_can_be_sent_and_injects_nothing(type, given):
    given = {
        k: v for k, v in given.items() if k in (*KINDS[type].needs, KINDS[type].secret)
    }
    auth = Auth.of(type, given)
    if problems_of(auth):
        return
    headers = headers_of(auth)
    check_request("POST", headers)
    assert not any(
        char in text for header in headers for text in header for char in "\r\n\0"
    )
    if type == "basic":
        plain = b64decode(headers[0][1].removeprefix("Basic ")).decode()
        assert plain.partition(":")[::2] == (auth.shown["username"], auth.secret)


def test_a_client_certificate_with_its_chain_is_fine():
    root = authority()
    middle = issue("Middle", root, is_authority=True)
    for private in (None, ed25519.Ed25519PrivateKey.generate()):
        ours = issue("client", middle, private=private, use=FOR_CLIENTS)
        assert mtls(ours.pem + middle.pem, ours.key) == {}


def mtls(certificate: str, key: str, **more: str) -> dict[str, str]:
    return wrong("mtls", certificate=certificate, private_key=key, **more)


def test_a_certificate_is_shown_in_tls_only():
    ours = issue("client", authority())
    given = {"certificate": ours.pem, "private_key": ours.key}
    (problem,) = problems_of(Auth.of("mtls", given), url="http://r.example/")
    assert (problem.field, problem.code) == ("auth.type", "https")


def test_what_is_wrong_with_certificates_and_keys():
    root = authority()
    ours, other = issue("client", root), issue("other", root)
    day = timedelta(days=1)
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505
    weak = issue("weak", root, private=ec.generate_private_key(ec.SECP192R1()))
    assert mtls("nonsense", "nonsense") == {
        "auth.certificate": "certificate",
        "auth.private_key": "private_key",
    }
    assert mtls(ours.pem, other.key) == {"auth.private_key": "another"}
    assert mtls(root.pem + ours.pem, ours.key) == {"auth.certificate": "order"}
    assert mtls(ours.pem + ours.key, ours.key) == {"auth.certificate": "private_key"}
    assert mtls(ours.pem, ours.locked("x")) == {"auth.private_key": "locked"}
    assert mtls("ü" + ours.pem, ours.key) == {"auth.certificate": "characters"}
    assert mtls(ours.pem * 11, ours.key) == {"auth.certificate": "too_many"}
    assert mtls(ours.pem * 200, ours.key) == {"auth.certificate": "too_long"}
    assert mtls(ours.pem, ours.key * 50) == {"auth.private_key": "too_long"}
    old = issue("old", root, begins=NOW - 9 * day, ends=NOW - day)
    assert mtls(old.pem, old.key) == {"auth.certificate": "expired"}
    early = issue("early", root, begins=NOW + day)
    assert mtls(early.pem, early.key) == {"auth.certificate": "too_early"}
    server = issue("server", root, use=FOR_SERVERS)
    assert mtls(server.pem, server.key) == {"auth.certificate": "usage"}
    tiny = issue("tiny", root, private=small)
    assert mtls(tiny.pem, tiny.key) == {"auth.private_key": "weak"}
    assert mtls(ours.pem, large_rsa_key()) == {"auth.private_key": "too_long"}
    assert mtls(weak.pem, weak.key) == {"auth.certificate": "certificate"}
    old_kind = dsa.generate_private_key(1024)  # noqa: S505
    assert mtls(ours.pem, replace(ours, private=old_kind).key) == {
        "auth.private_key": "kind"
    }


def test_no_message_holds_what_was_brought():
    ours, other = issue("client", authority()), issue("other", authority())
    auth = Auth.of("mtls", {"certificate": ours.pem, "private_key": other.key})
    texts = " ".join(p.message for p in problems_of(auth))
    assert not any(line in texts for line in (*other.key.splitlines(), "MI"))
