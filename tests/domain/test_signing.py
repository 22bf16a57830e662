"""Signatures against the vectors that their specifications publish."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook
from svix.webhooks import Webhook as Svix

from callboard.errors import Invalid
from callboard.signing import bare, keys, private, public, secrets
from callboard.signing.keyring import Key, Keyring
from callboard.signing.schemes import Scheme
from tests.certificates import large_rsa_key

# The example that the Standard Webhooks project publishes with its libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
# The same call in its asymmetric scheme, from the tests of the Svix server.
WHSK = (
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9l"
    "MicMFs6Kvg=="
)
WHPK = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
SIGNATURE_A = (
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8"
    "EM+m7TBAg=="
)

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PRIVATE = [each for each in Scheme if each.is_rsa or each is Scheme.STANDARD_ED25519]
OF_BODY = [each for each in Scheme if each.names_header]
KEPT = {
    each: [keys.generate(each) for _ in range(2)]
    for each in Scheme
    if each is not Scheme.NONE
}


def signed(scheme: Scheme, kept: str) -> str:
    return keys.open_key(scheme, kept)(ID, AT, BODY)


@pytest.mark.parametrize(
    ("scheme", "brought", "signature"),
    [
        pytest.param(Scheme.STANDARD, SECRET, SIGNATURE, id="v1"),
        pytest.param(Scheme.STANDARD_ED25519, WHSK, SIGNATURE_A, id="v1a"),
    ],
)
def test_the_published_vectors_of_standard_webhooks(scheme, brought, signature):
    assert signed(scheme, keys.bring(scheme, brought)) == signature


# RFC 4231, 4.3 and 4.4.
@pytest.mark.parametrize(
    ("key", "data", "sha256", "sha512"),
    [
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
        (
            b"\xaa" * 20,
            b"\xdd" * 50,
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
            "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
        ),
    ],
)
def test_the_published_vectors_of_hmac(key, data, sha256, sha512):
    assert bare.sign_hmac(key, "sha256", data) == sha256
    assert bare.sign_hmac(key, "sha512", data) == sha512


def test_a_hex_scheme_takes_the_secret_as_it_is():
    """As PHP's hash_hmac('sha512', $body, $secret) does, whatever it looks like."""
    for secret in ("Jefe", "whsec_abc", "schlüssel"):
        wanted = bare.sign_hmac(secret.encode(), "sha512", BODY)
        kept = keys.bring(Scheme.HMAC_SHA512_HEX, secret)
        assert signed(Scheme.HMAC_SHA512_HEX, kept) == wanted


def test_the_published_key_pair_of_ed25519():
    """RFC 8032, 7.1, TEST 1; its thumbprint is in RFC 8037, A.3."""
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    found = keys.public_key(Scheme.STANDARD_ED25519, private.to_pem(key))
    assert found.jwk == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "use": "sig",
        "alg": "EdDSA",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    }
    assert found.xml is None


def test_the_published_thumbprint_of_an_rsa_key():
    """RFC 7638, 3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuh"
        "DR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w"
        "6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5haj"
        "rn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw"
        "0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    number = int.from_bytes(base64.urlsafe_b64decode(n + "=="))
    found = public.describe_rsa(rsa.RSAPublicNumbers(65537, number).public_key(), "x")
    assert found.jwk["kid"] == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert found.jwk["n"] == n
    assert found.xml.endswith("<Exponent>AQAB</Exponent></RSAKeyValue>")


def test_the_libraries_of_standard_webhooks_know_our_public_keys():
    kept = keys.bring(Scheme.STANDARD_ED25519, WHSK)
    assert keys.public_key(Scheme.STANDARD_ED25519, kept).whpk == WHPK


@given(
    body=st.text().map(json.dumps).map(str.encode),
    key=st.binary(min_size=24, max_size=64),
)
def test_the_public_libraries_accept_our_signatures(body, key):
    """While keys change, with either of them."""
    now = datetime.now(UTC)
    kept = secrets.PREFIX + base64.b64encode(key).decode()
    ring = ring_of(Scheme.STANDARD, kept, SECRET, until=now + HOUR)
    timestamp = int(now.timestamp())
    headers = dict(ring.headers(ID, timestamp, body, now))
    headers |= {"webhook-id": ID, "webhook-timestamp": str(timestamp)}
    for secret in (kept, SECRET):
        assert Webhook(secret).verify(body, headers) == json.loads(body)
        Svix(secret).verify(body, headers)


def ring_of(scheme: Scheme, new: str, old: str, until: datetime) -> Keyring:
    found = Key(keys.open_key(scheme, new)), Key(keys.open_key(scheme, old), until)
    return Keyring(scheme, scheme.usual_header, found)


class TestWhileTheKeysChange:
    @pytest.mark.parametrize("scheme", [Scheme.STANDARD, Scheme.STANDARD_ED25519])
    def test_a_header_for_several_carries_both(self, scheme):
        new, old = KEPT[scheme]
        ring = ring_of(scheme, new, old, NOW)
        both = f"{signed(scheme, new)} {signed(scheme, old)}"
        before, after = NOW - timedelta(seconds=1), NOW
        assert ring.headers(ID, AT, BODY, before) == [("webhook-signature", both)]
        alone = [("webhook-signature", signed(scheme, new))]
        assert ring.headers(ID, AT, BODY, after) == alone

    @pytest.mark.parametrize("scheme", OF_BODY)
    def test_a_header_for_one_stays_with_the_old_key_until_it_ends(self, scheme):
        new, old = KEPT[scheme]
        ring = ring_of(scheme, new, old, NOW)
        name = scheme.usual_header
        assert ring.headers(ID, AT, BODY, NOW - HOUR) == [
            (name, signed(scheme, old)),
            (f"{name}-Next", signed(scheme, new)),
        ]
        assert ring.headers(ID, AT, BODY, NOW) == [(name, signed(scheme, new))]

    def test_without_keys_there_is_no_header(self):
        assert Keyring(Scheme.STANDARD, "x", ()).headers(ID, AT, BODY, NOW) == []


@pytest.mark.parametrize("scheme", list(KEPT))
def test_keys_that_are_made_differ_and_are_good(scheme):
    first, second = KEPT[scheme]
    assert first != second
    assert keys.bring(scheme, first) == first
    assert keys.hint(scheme, first) == ""
    assert (keys.public_key(scheme, first) is None) == scheme.shares_secret


def whsec(size: int) -> str:
    return "whsec_" + base64.b64encode(bytes(size)).decode()


def pem(key) -> str:
    return private.to_pem(key)


SMALL = pem(rsa.generate_private_key(65537, 1024))  # noqa: S505  to be refused
ED25519 = pem(ed25519.Ed25519PrivateKey.generate())
RSA = KEPT[Scheme.RSA_SHA256][0]
LOCKED = """-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAidM5sOTvsUVwICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEJKWZjPFo6rLqHdzlyMOMJwEQKaZ
m4cWEQjKbbn8yKBm6Y5a5lRkEc0EINM8B8RQ3Qp1GNQ2VTxpUCHTSbJ7yKpAUJnH
yrZB/WxHQ6q3jyPyN0Q=
-----END ENCRYPTED PRIVATE KEY-----"""


@pytest.mark.parametrize(
    ("scheme", "secret", "code"),
    [
        pytest.param("standard", whsec(24), None, id="shortest"),
        pytest.param("standard", whsec(64), None, id="longest"),
        pytest.param("standard", whsec(23), "length", id="too short"),
        pytest.param("standard", whsec(65), "length", id="too long"),
        pytest.param("standard", whsec(32)[6:], "prefix", id="no prefix"),
        pytest.param("standard", "", "prefix", id="empty"),
        pytest.param("standard", "whsec_", "length", id="prefix alone"),
        pytest.param("standard", whsec(32).rstrip("="), "base64", id="no padding"),
        pytest.param("standard", "whsec_" + "-_" * 16, "base64", id="URL alphabet"),
        pytest.param("standard", whsec(24) + "\n", "base64", id="a line end"),
        pytest.param("standard", "whsec_é", "base64", id="no ASCII"),
        pytest.param("hmac-sha512-hex", "short", None, id="any text"),
        pytest.param("hmac-sha512-hex", "é" * 512, None, id="longest text"),
        pytest.param("hmac-sha512-hex", "é" * 512 + "a", "length", id="longer text"),
        pytest.param("hmac-sha256-hex", "", "length", id="no text"),
        pytest.param("standard-ed25519", ED25519, None, id="Ed25519 as PEM"),
        pytest.param("standard-ed25519", WHSK, None, id="Ed25519 as whsk_"),
        pytest.param("standard-ed25519", WHSK[:40], "base64", id="half a whsk_"),
        pytest.param("standard-ed25519", WHSK[:-4] + "AA==", "pair", id="no pair"),
        pytest.param("standard-ed25519", RSA, "kind", id="RSA for Ed25519"),
        pytest.param("rsa-sha256", RSA, None, id="RSA"),
        pytest.param("rsa-sha1", SMALL, "length", id="RSA of 1024 bits"),
        pytest.param("rsa-sha1", large_rsa_key(), "length", id="RSA of 8192 bits"),
        pytest.param("rsa-sha256", ED25519, "kind", id="Ed25519 for RSA"),
        pytest.param("rsa-sha256", "topsecret", "pem", id="no PEM"),
        pytest.param("rsa-sha256", LOCKED, "pem", id="PEM with a password"),
        pytest.param("rsa-sha256", "x" * 20_000, "length", id="endless"),
    ],
)
def test_a_key_that_is_brought_fits_its_scheme(scheme, secret, code):
    problems = keys.check(Scheme(scheme), secret)
    assert [problem.code for problem in problems] == ([code] if code else [])


def test_a_public_key_is_no_key_to_sign_with():
    half = keys.public_key(Scheme.RSA_SHA256, RSA).pem
    assert [each.code for each in keys.check(Scheme.RSA_SHA256, half)] == ["pem"]


def test_a_short_text_is_taken_with_a_hint():
    scheme = Scheme.HMAC_SHA256_HEX
    assert "might be guessed" in keys.hint(scheme, "é" * 11)
    assert keys.hint(scheme, "é" * 12) == ""


def test_a_refused_secret_is_not_repeated():
    for scheme in ("standard", "rsa-sha1", "standard-ed25519"):
        with pytest.raises(Invalid) as refusal:
            keys.bring(Scheme(scheme), "whsec_topsecret")
        assert "topsecret" not in str(refusal.value)
