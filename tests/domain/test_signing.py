import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from callboard.errors import Invalid
from callboard.signing import secrets, standard

# The example that the Standard Webhooks project publishes with its libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

KEY = secrets.parse(SECRET)
OTHER = bytes(range(32))


def test_the_published_vector():
    assert standard.sign([KEY], ID, AT, BODY) == SIGNATURE


@given(
    body=st.text().map(json.dumps).map(str.encode),
    key=st.binary(min_size=24, max_size=64),
)
def test_the_public_library_accepts_our_signature(body, key):
    now = int(datetime.now(UTC).timestamp())
    headers = {
        "webhook-id": ID,
        "webhook-timestamp": str(now),
        "webhook-signature": standard.sign([OTHER, key], ID, now, body),
    }
    receiver = Webhook(secrets.PREFIX + base64.b64encode(key).decode())
    assert receiver.verify(body, headers) == json.loads(body)


def test_we_accept_the_signature_of_the_public_library():
    theirs = Webhook(SECRET).sign(ID, datetime.fromtimestamp(AT, UTC), BODY.decode())
    assert standard.verify([KEY], theirs, ID, AT, BODY)


def test_a_rotation_signs_with_each_secret():
    header = standard.sign([OTHER, KEY], ID, AT, BODY)
    assert header.split(" ")[1] == SIGNATURE
    assert standard.verify([KEY], header, ID, AT, BODY)
    assert standard.verify([OTHER], header, ID, AT, BODY)


@pytest.mark.parametrize(
    ("header", "webhook_id", "at", "body"),
    [
        pytest.param(SIGNATURE, ID, AT, BODY + b" ", id="a changed body"),
        pytest.param(SIGNATURE, "msg_x", AT, BODY, id="another id"),
        pytest.param(SIGNATURE, ID, AT + 1, BODY, id="another time"),
        pytest.param("", ID, AT, BODY, id="no signature"),
        pytest.param("v1,", ID, AT, BODY, id="an empty signature"),
        pytest.param(SIGNATURE.replace("v1", "v1a"), ID, AT, BODY, id="other version"),
        pytest.param("v1,é\udcff", ID, AT, BODY, id="text that is no ASCII"),
    ],
)
def test_refused(header, webhook_id, at, body):
    assert not standard.verify([KEY], header, webhook_id, at, body)


def test_no_secret_verifies_nothing():
    assert not standard.verify([], "", ID, AT, BODY)


def test_generated_secrets_are_good_and_differ():
    first, second = secrets.generate(), secrets.generate()
    assert first != second
    assert len(secrets.parse(first)) == 32


def brought(size: int) -> str:
    return "whsec_" + base64.b64encode(bytes(size)).decode()


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        pytest.param(brought(24), None, id="shortest"),
        pytest.param(brought(64), None, id="longest"),
        pytest.param(brought(23), "length", id="too short"),
        pytest.param(brought(65), "length", id="too long"),
        pytest.param(brought(32)[6:], "prefix", id="no prefix"),
        pytest.param("", "prefix", id="empty"),
        pytest.param("whsec_", "length", id="prefix alone"),
        pytest.param(brought(32).rstrip("="), "base64", id="no padding"),
        pytest.param("whsec_" + "-_" * 16, "base64", id="the URL alphabet"),
        pytest.param(brought(24) + "\n", "base64", id="a line end"),
        pytest.param("whsec_é", "base64", id="no ASCII"),
    ],
)
def test_brought_secrets(secret, code):
    assert [problem.code for problem in secrets.check(secret)] == (
        [code] if code else []
    )


def test_a_refused_secret_is_not_repeated():
    with pytest.raises(Invalid) as refusal:
        secrets.parse("whsec_topsecret")
    assert "topsecret" not in str(refusal.value)
