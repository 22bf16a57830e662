"""The address table at its edges, and every spelling of a host."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.egress.policy import EgressPolicy, parse_destinations


def words(text):
    return text.split()


CLOSED = [
    ip_network(text)
    for text in words(
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12"
        " 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15"
        " 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
        " ::/128 ::1/128 ::/96 ::ffff:0:0:0/96 64:ff9b:1::/48 ::/9"
        " 100::/64 2001::/32 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16"
        " fc00::/7 fe80::/10 fec0::/10 ff00::/8"
    )
]
# Some of these are judged by the v4 address in them, so their edges may be open.
DISGUISES = [ip_network("::/8"), ip_network("64:ff9b::/96"), ip_network("100::/63")]

METADATA = words(
    "169.254.169.254 169.254.170.2 169.254.169.123 100.100.100.200 192.0.0.192"
    " 168.63.129.16 fd00:ec2::254"
)

PUBLIC = words(
    "1.1.1.1 8.8.8.8 93.184.215.14 172.32.0.1 100.63.255.255 192.0.1.1 223.255.255.255"
    " 2606:4700:4700::1111 2a00:1450:4001::64 2001:200::1 2003::1 64:ff9b::808:808"
    " ::ffff:8.8.8.8"
)


def refuse(address):
    return EgressPolicy().refuse(str(address), str(address))


def just_outside(network):
    edges = int(network.network_address) - 1, int(network.broadcast_address) + 1
    make = type(network.network_address)
    return [make(n) for n in edges if 0 <= n < 2**network.max_prefixlen]


@pytest.mark.parametrize("network", CLOSED, ids=str)
def test_a_closed_prefix_ends_exactly_at_its_edges(network):
    assert refuse(network.network_address)
    assert refuse(network.broadcast_address)
    for address in just_outside(network):
        elsewhere = any(address in other for other in CLOSED + DISGUISES)
        assert elsewhere or refuse(address) is None


@given(st.sampled_from(CLOSED).flatmap(lambda n: st.ip_addresses(network=n)))
def test_no_address_of_a_closed_prefix_is_open(address):
    mapped_or_nat64 = int(address) >> 32 in (0xFFFF, 0x64_FF9B << 64)
    assert refuse(address) or mapped_or_nat64


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address):
    assert refuse(address) is None
    assert EgressPolicy().refuse_host(address) is None


@pytest.mark.parametrize("address", METADATA)
def test_metadata_services_open_only_by_their_very_address(address):
    destinations = parse_destinations("0.0.0.0/0 ::/0 metadata.example.org")
    around = EgressPolicy(allow=destinations)
    exact = EgressPolicy(allow=parse_destinations(address))
    assert "metadata service" in refuse(address)
    assert around.refuse(address, address)
    assert around.refuse(address, "metadata.example.org")
    assert exact.refuse(address, address) is None


V4_CLOSED = [network for network in CLOSED if network.version == 4]


def disguises(address):
    number = int(address)
    return {
        "mapped": IPv6Address(0xFFFF << 32 | number),
        "compatible": IPv6Address(number),
        "translated": IPv6Address(0xFFFF << 48 | number),
        "nat64": IPv6Address(0x0064_FF9B << 96 | number),
        "local nat64": IPv6Address(0x0064_FF9B_0001 << 80 | number),
        "6to4": IPv6Address(0x2002 << 112 | number << 80 | 1),
        "teredo": IPv6Address(0x2001_0000 << 96 | number ^ 0xFFFF_FFFF),
        "isatap": IPv6Address(0x2606_4700 << 96 | 0x5EFE << 32 | number),
        "isatap, unique": IPv6Address(0x2606_4700 << 96 | 0x0200_5EFE << 32 | number),
    }


@given(st.sampled_from(V4_CLOSED).flatmap(lambda n: st.ip_addresses(network=n)))
def test_a_closed_v4_address_stays_closed_in_every_v6_disguise(address):
    for form, disguised in disguises(address).items():
        assert refuse(disguised), form
        assert EgressPolicy().refuse_host(f"[{disguised}]"), form


@pytest.mark.parametrize("address", METADATA[:6])
def test_metadata_services_stay_closed_in_every_v6_disguise(address):
    for form, disguised in disguises(IPv4Address(address)).items():
        assert refuse(disguised), form


LOOPBACK_SPELLINGS = words(
    "127.0.0.1 2130706433 0x7f000001 0177.0.0.1 0x7f.1 127.1 127.0.1 017700000001"
    " 0x7f.0x0.0x0.0x1 00000000177.0.0.1 １２７.0.0.1 127。0。0。1 ①②⑦.0.0.1"
    " 127.0.0.1. 0X7F.1 127.0.0.\u00ad1 [::ffff:127.0.0.1] ::ffff:7f00:1"
)


@pytest.mark.parametrize("host", LOOPBACK_SPELLINGS)
def test_every_spelling_of_an_address_is_that_address(host):
    assert "loopback" in EgressPolicy().refuse_host(host)
    opened = EgressPolicy(allow=parse_destinations("127.0.0.0/8"))
    assert opened.refuse_host(host) is None


@pytest.mark.parametrize(
    "host",
    words(
        "0 0.0.0.0 [::] [::1] ::1 fe80::1%eth0 [fe80::1%25eth0] [fd00::1] 0xa9fea9fe"
        " localhost localhost. LOCALHOST sub.localhost printer.local db.internal"
        " metadata.google.internal metadata instance-data router.home.arpa"
    ),
)
def test_hosts_inside_are_refused_when_saved(host):
    assert EgressPolicy().refuse_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", ".", "a..com", ".a.com", "a" * 64 + ".com", "a." * 126 + "ab", "a b"),
        *("127.0.0.1.5", "1.2.3.256", "256.1", "4294967296", "08.1.1.1", "0x"),
        *("%31%32%37.0.0.1", "127.0.0.1%00.example.com", "a\0b", "a/b", "a\\b", "a@b"),
        *(
            "[::1",
            "[127.0.0.1]",
            ":::",
            "-a.com",
            "xn--",
            "a.１２",
            "9" * 5000,
            "é" * 99,
        ),
        *("example.1", "example.0x1"),
    ],
)
def test_what_is_no_host_is_refused(host):
    assert EgressPolicy().refuse_host(host)


@pytest.mark.parametrize(
    "host", ["example.org", "EXAMPLE.org.", "a_b.example.org", "bücher.example", "x"]
)
def test_names_are_left_to_their_answers(host):
    assert EgressPolicy().refuse_host(host) is None


@given(st.text(max_size=80))
def test_any_text_gets_a_verdict(host):
    verdict = EgressPolicy().refuse_host(host)
    assert verdict is None or verdict


def test_the_sentence_says_how_to_allow_an_address():
    assert refuse("127.0.0.1") == (
        "127.0.0.1 is a loopback address; "
        "set ALLOW_DESTINATIONS=127.0.0.0/8 to allow it"
    )


def test_the_sentence_for_a_name_keeps_the_address_it_led_to():
    sentence = EgressPolicy().refuse("10.20.30.40", "hooks.example.org")
    assert sentence == (
        "hooks.example.org leads to a private address; "
        "add the name or its network to ALLOW_DESTINATIONS to allow it"
    )


def test_an_address_object_is_taken_as_well():
    assert EgressPolicy().refuse(ip_address("10.0.0.1"), "10.0.0.1")
