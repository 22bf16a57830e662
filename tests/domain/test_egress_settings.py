"""What the operator opens and closes, and what is this machine's own."""

from ipaddress import ip_address, ip_network

import pytest

from callboard.egress.ours import is_ours
from callboard.egress.policy import EgressPolicy, parse_destinations


@pytest.mark.parametrize(
    ("allow", "address", "host"),
    [
        ("127.0.0.0/8", "127.9.9.9", "127.9.9.9"),
        ("10.1.2.3", "::ffff:10.1.2.3", "::ffff:10.1.2.3"),
        ("fc00::/7 192.168.0.0/16", "fd12::1", "fd12::1"),
        ("crm.example.org", "10.1.2.3", "CRM.example.org."),
        ("*.example.org", "10.1.2.3", "a.b.example.org"),
        ("bücher.example", "10.1.2.3", "xn--bcher-kva.example"),
    ],
)
def test_what_the_operator_allows_is_open(allow, address, host):
    policy = EgressPolicy(allow=parse_destinations(allow))
    assert policy.refuse(address, host) is None


@pytest.mark.parametrize(
    ("allow", "address", "host"),
    [
        ("127.0.0.0/8", "10.0.0.1", "10.0.0.1"),
        ("127.0.0.0/8", "0.0.0.0", "0.0.0.0"),
        ("crm.example.org", "10.1.2.3", "other.example.org"),
        ("*.example.org", "10.1.2.3", "example.org"),
        ("*.example.org", "10.1.2.3", "badexample.org"),
    ],
)
def test_it_opens_nothing_else(allow, address, host):
    policy = EgressPolicy(allow=parse_destinations(allow))
    assert policy.refuse(address, host)


@pytest.mark.parametrize(
    ("deny", "address", "host"),
    [
        ("8.8.8.0/24", "8.8.8.8", "dns.example.org"),
        ("8.8.8.8", "::ffff:8.8.8.8", "::ffff:8.8.8.8"),
        ("8.8.8.8", "64:ff9b::808:808", "64:ff9b::808:808"),
        ("rival.example", "8.8.8.8", "rival.example"),
        ("*.rival.example", "8.8.8.8", "a.rival.example"),
        ("127.0.0.1", "127.0.0.1", "localhost"),
    ],
)
def test_deny_wins_over_allow(deny, address, host):
    everything = parse_destinations(
        "0.0.0.0/0 ::/0 localhost *.rival.example rival.example"
    )
    policy = EgressPolicy(allow=everything, deny=parse_destinations(deny))
    assert "DENY_DESTINATIONS" in policy.refuse(address, host)


def test_localhost_is_open_when_one_loopback_is():
    opened = EgressPolicy(allow=parse_destinations("127.0.0.0/8"))
    assert opened.refuse_host("localhost") is None
    assert opened.refuse_host("printer.local")


def test_our_own_ports_stay_closed_on_addresses_that_were_opened():
    policy = EgressPolicy(
        allow=parse_destinations("127.0.0.0/8"), closed_ports=frozenset({6379})
    )
    assert policy.refuse_host("127.0.0.1", 80) is None
    assert "6379" in policy.refuse_host("127.0.0.1", 6379)
    assert "6379" in policy.refuse_host("localhost", 6379)
    assert policy.refuse_host("8.8.8.8", 6379) is None


def on_8888(allow="", deny=""):
    return EgressPolicy(
        allow=parse_destinations(allow),
        deny=parse_destinations(deny),
        closed_ports=frozenset({6379}),
        is_ours=lambda address: str(address) == "8.8.8.8",
    )


@pytest.mark.parametrize("address", ["8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_our_own_public_addresses_are_closed(address):
    assert "an address of this machine" in on_8888().refuse(address, address)
    assert on_8888().refuse(address, "crm.example.org")
    assert on_8888().refuse_host(f"[{address}]" if ":" in address else address)
    assert on_8888().refuse("8.8.4.4", "8.8.4.4") is None


@pytest.mark.parametrize("allow", ["8.8.8.8", "8.8.0.0/16", "crm.example.org"])
def test_the_operator_opens_them_but_not_our_own_ports(allow):
    policy = on_8888(allow)
    assert policy.refuse("8.8.8.8", "crm.example.org", 443) is None
    assert "6379" in policy.refuse("8.8.8.8", "crm.example.org", 6379)


def test_the_sentence_says_how_to_open_them():
    assert on_8888().refuse("8.8.8.8", "8.8.8.8") == (
        "8.8.8.8 is an address of this machine; "
        "set ALLOW_DESTINATIONS=8.8.8.8/32 to allow it"
    )


def test_the_kernel_knows_which_addresses_are_ours():
    assert is_ours(ip_address("127.0.0.1"))
    assert not is_ours(ip_address("8.8.8.8"))
    assert not is_ours(ip_address("2606:4700:4700::1111"))


def test_a_setting_is_read_by_comma_or_space():
    assert parse_destinations(" 10.0.0.0/8, 192.0.2.7\n*.Example.org  ::1/128 x ") == (
        ip_network("10.0.0.0/8"),
        ip_network("192.0.2.7/32"),
        "*.example.org",
        ip_network("::1/128"),
        "x",
    )
    assert parse_destinations("") == ()


def test_all_wrong_entries_of_a_setting_are_named():
    wrong = "10.0.0.0/33 10.0.0.1/8 300.1.1.1 *.10.0.0.1 a..b * http://x/"
    with pytest.raises(ValueError, match="neither") as raised:
        parse_destinations(f"127.0.0.0/8 {wrong}")
    assert str(raised.value).endswith(wrong.replace(" ", ", "))
