import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from callboard.mail_addresses import is_mail_address
from callboard.webhooks.rules import (
    check_headers,
    check_name,
    check_number,
    check_success,
    check_url,
)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://r.example/hooks?a=1&b=%20", None),
        ("https://r.example/c/${data.id}?q=${data.a.b}", None),
        ("http://127.0.0.1:9000/inbox/abc", None),
        ("https://my_service:8443/", None),
        ("https://[2001:db8::1]:8443/x", None),
        ("https://user.example/a@b:c/[x]", None),
        ("https://r.example", "https://r.example/"),
        ("https://r.example?x=1", "https://r.example/?x=1"),
        ("HTTPS://R.Example/Path", "https://r.example/Path"),
        ("https://r.example:443/", "https://r.example/"),
        ("http://r.example:080/", "http://r.example/"),
        ("https://r.example:/", "https://r.example/"),
        ("https://r.example./", "https://r.example/"),
        (
            "https://bücher.example/größe",
            "https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe",
        ),
        ("https://ｒ.example/", "https://r.example/"),
        ('https://r.example/a"b<c>', "https://r.example/a%22b%3Cc%3E"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://127。0。0。1/", "http://127.0.0.1/"),
        ("https://[::FFFF:1.2.3.4]/", "https://[::ffff:102:304]/"),
    ],
)
def test_urls_that_are_fine(url, plain):
    assert check_url(url, allow_http=True) == (plain or url, [])


@pytest.mark.parametrize(
    ("url", "codes"),
    [
        ("", ["scheme"]),
        ("r.example/hook", ["scheme"]),
        ("//r.example/hook", ["scheme"]),
        ("https:/r.example", ["scheme"]),
        ("ftp://r.example/", ["scheme"]),
        ("javascript://r.example/%0aalert(1)", ["scheme"]),
        ("file:///etc/hosts", ["scheme", "host"]),
        ("${data.url}", ["scheme"]),
        ("https://", ["host"]),
        ("https:///x", ["host"]),
        ("https://:80/", ["host"]),
        ("https://ann@r.example/", ["userinfo"]),
        ("https://ann:pw@r.example/", ["userinfo"]),
        ("https://@r.example/", ["userinfo"]),
        ("https://good.example@evil.example:0/", ["userinfo", "port"]),
        ("https://r.example:0/", ["port"]),
        ("https://r.example:65536/", ["port"]),
        ("https://r.example:99999999999/", ["port"]),
        ("https://r.example:80:90/", ["port"]),
        ("https://r.example:+80/", ["port"]),
        ("https://r.example:８０/", ["port"]),
        ("https://r.example/#top", ["fragment"]),
        ("https://r.example/#", ["fragment"]),
        (" https://r.example/", ["characters"]),
        ("https://r.example/a b", ["characters"]),
        ("https://r.example/\r\nHost: x", ["characters"]),
        ("https://r.example/\t", ["characters"]),
        ("https://r.example\x00.evil/", ["characters"]),
        ("https://r.example\\@evil.example/", ["characters"]),
        ("https://r.example/\udc80", ["characters"]),
        ("https://${data.host}/", ["host"]),
        ("https://r%2eexample/", ["host"]),
        ("https://[fe80::1%25eth0]/", ["host"]),
        ("https://[::1/", ["host"]),
        ("https://::1]/", ["host", "port"]),
        ("https://[::1]x/", ["host"]),
        ("https://::1/", ["host", "port"]),
        ("https://[r.example]/", ["host"]),
        ("https://[v1.x]/", ["host"]),
        ("https://1.2.3.400/", ["host"]),
        ("https://a..example/", ["host"]),
        ("https://-a.example/", ["host"]),
        ("https://" + "a" * 64 + ".example/", ["host"]),
        ("https://" + "ä" * 70 + ".example/", ["host"]),
        ("https://☃.example/", ["host"]),
        ("https://a\u200db.example/", ["host"]),
        ("https://r.ex,ample/", ["host"]),
        ("https://r.example/" + "a" * 2048, ["too_long"]),
        ("https://r.example/" + "ä" * 1000, ["too_long"]),
    ],
    ids=lambda value: ascii(value)[:40] if isinstance(value, str) else None,
)
def test_urls_that_are_refused(url, codes):
    plain, problems = check_url(url, allow_http=True)
    assert plain is None
    assert [problem.code for problem in problems] == codes
    assert all(problem.field == "url" for problem in problems)


def test_plain_http_can_be_switched_off():
    assert check_url("https://r.example/", allow_http=False)[1] == []
    assert [p.code for p in check_url("http://r.example/", allow_http=False)[1]] == [
        "scheme"
    ]


hosts = st.sampled_from(
    ["r.example", "R.example.", "127.1", "[::1]", "bücher.de", "a@b"]
)
urls = st.one_of(
    st.text(),
    st.builds(
        "{}://{}{}{}".format,
        st.sampled_from(["http", "https", "HTTP", "ftp"]),
        hosts | st.text(max_size=12),
        st.sampled_from(["", ":80", ":8443", ":0", ":x"]),
        st.just("") | st.text(max_size=12).map("/{}".format),
    ),
)


@given(url=urls)
def test_an_accepted_url_means_the_same_to_every_reader(url):
    plain, problems = check_url(url, allow_http=True)
    assert (plain is None) == bool(problems)
    if plain is not None:
        assert plain.isascii()
        assert plain.isprintable()
        assert check_url(plain, allow_http=True) == (plain, [])
        sent, other = URL(plain, encoded=True), httpx.URL(plain)
        assert sent.raw_host == other.raw_host.decode()
        assert sent.port == (other.port or {"http": 80, "https": 443}[other.scheme])
        assert sent.raw_user is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Env": "prod", "X-Api-Key": "abc"},
        {"Authorization": "Bearer x", "Cookie": "a=b", "Accept": "*/*"},
        {"X-Empty": "", "X-Tab": "a\tb"},
        {f"X-{n}": "y" for n in range(50)},
        {"X": "y" * (16 * 1024 - 1)},
    ],
)
def test_headers_that_are_fine(headers):
    assert check_headers(headers) == []


REFUSED = [
    "Host", "content-length", "Transfer-Encoding", "CONNECTION", "Expect", "TE",
    "Trailer", "Upgrade", "Keep-Alive", "Proxy-Authorization", "proxy-x", "webhook-id",
    "Webhook-Anything", "Accept-Encoding", "User-Agent", "Content-Encoding",
    "Content-Type",
]  # fmt: skip
NO_NAMES = ["", "a b", "a:b", ":path", "a\r\nb", "é", "a\x00", "(a)"]
NO_VALUES = ["a\r\nb", "a\nb", "a\x00b", "\x7f", "é", "€", " a", "a ", "a\n"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [(name, "x", "refused") for name in REFUSED]
    + [(name, "x", "header_name") for name in NO_NAMES]
    + [("X-A", value, "header_value") for value in NO_VALUES],
    ids=ascii,
)
def test_a_header_that_is_refused(name, value, code):
    problems = check_headers({name: value})
    assert [(p.field, p.code) for p in problems] == [(f"headers.{name}", code)]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"X-A": "1", "x-a": "2"}, [("headers", "twice")]),
        ({f"X-{n}": "" for n in range(51)}, [("headers", "too_many")]),
        ({"X": "y" * 16384}, [("headers", "too_long")]),
        (
            {"Host": "x", "a b": "é"},
            [
                ("headers.Host", "refused"),
                ("headers.a b", "header_name"),
                ("headers.a b", "header_value"),
            ],
        ),
    ],
    ids=["the same name twice", "51 headers", "over 16 kB", "all problems at once"],
)
def test_headers_that_are_refused(headers, found):
    assert [(p.field, p.code) for p in check_headers(headers)] == found


@pytest.mark.parametrize(
    ("field", "fine", "refused"),
    [
        ("timeout", [1, 20], [0, 21, 1.5, True, "5", None, float("nan")]),
        ("concurrency", [1, 256], [0, 257, -1, None]),
        ("hold_days", [0, 30], [-1, 31, None]),
        (
            "rate_per_second",
            [None, 0.0001, 0.5, 1, 10_000],
            [0, -1, 1e-9, float("nan"), float("inf"), 10**400, "1", True],
        ),
        ("deactivate_after", [None, 1, 5], [0, -1, 1.5]),
    ],
)
def test_each_number_has_its_bounds(field, fine, refused):
    assert [value for value in fine if check_number(field, value)] == []
    assert [value for value in refused if not check_number(field, value)] == []
    assert check_number(field, -1)[0].field == field


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("CRM sync", []),
        ("Käufe 🛒", []),
        ("x" * 120, []),
        ("x" * 121, ["too_long"]),
        ("", ["empty"]),
        (" \t", ["empty"]),
        ("a\nb", ["characters"]),
        ("a\x00", ["characters"]),
        ("a\u2028b", ["characters"]),
    ],
)
def test_a_name_is_short_and_on_one_line(name, codes):
    assert [problem.code for problem in check_name(name)] == codes


@pytest.mark.parametrize(
    ("rule", "fine"),
    [
        ("2xx", True),
        ("200", True),
        ([200, 202], True),
        ((200, 410), True),
        ([], False),
        ([200, 302], False),
        ([100], False),
        ([600], False),
        (["200"], False),
        ([True], False),
        ([200] * 21, False),
        ("204", False),
        (200, False),
        (None, False),
        ({}, False),
    ],
)
def test_a_rule_of_success_can_be_met(rule, fine):
    assert (check_success(rule) == []) is fine


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("ops@example.org", True),
        ("ops+hooks@mail.example.org", True),
        ("root@localhost", True),
        ("é@bücher.example", True),
        ("", False),
        ("ops", False),
        ("@example.org", False),
        ("ops@", False),
        ("a@b@c", False),
        ("a@b.org\r\nBcc: x@y.org", False),
        ("a@b.org, x@y.org", False),
        ("Ops <a@b.org>", False),
        ("a@" + "b" * 253, False),
    ],
)
def test_a_recipient_has_an_address_that_fits_in_a_mail(text, fine):
    assert is_mail_address(text) is fine
