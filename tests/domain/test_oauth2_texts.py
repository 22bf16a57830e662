"""Whatever stands in a grant or in a token server's answer, nothing of it does harm."""

from urllib.parse import parse_qs

from hypothesis import example, given
from hypothesis import strategies as st

from callboard.auth import oauth2
from callboard.auth.oauth2 import Grant, NoToken, Token
from callboard.auth.settings import bearer
from callboard.egress.sendable import check_request


@given(st.integers(200, 599), st.binary() | st.text().map(str.encode))
@example(200, b'{"access_token":"x","expires_in":1e999}')
@example(200, b'{"access_token":"x","expires_in":"1e999"}')
@example(200, b'{"access_token":"x","token_type":1}')
def test_whatever_a_token_server_answers_makes_a_token_or_a_sentence(status, body):
    found = read(status, body)
    if isinstance(found, NoToken):
        assert str(found).startswith("The token server")
    else:
        assert status == 200
        assert 0 <= found.life <= oauth2.LONGEST_LIFE
        check_request("POST", [("Authorization", bearer(found.text))])


def read(status: int, body: bytes) -> Token | NoToken:
    try:
        return oauth2.read_token(status, body)
    except NoToken as error:
        return error


@given(st.text(), st.text(), st.text(), st.text(), st.sampled_from(["basic", "post"]))
def test_whatever_is_asked_with_injects_nothing(id, secret, scope, audience, how):
    grant = Grant("https://x/", id, secret, scope, audience, how)
    headers, body = oauth2.question(grant)
    check_request("POST", headers)
    sent = parse_qs(body.decode(), keep_blank_values=True)
    assert sent.get("scope", [""]) == [scope]
    assert sent.get("audience", [""]) == [audience]
    assert "client_secret" not in repr(grant)
