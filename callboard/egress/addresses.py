"""What kind of address is this, and which address does this text spell?

The table follows IANA's special-purpose registries. It is our own because the
properties of `ipaddress` call many of these global (CVE-2021-29921, CVE-2024-4032).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACKS: tuple[Address, ...] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


@dataclass(frozen=True, slots=True)
class Kind:
    """A part of the address space that webhooks do not reach unless allowed."""

    words: str
    network: Network
    only_by_address: bool = False


def _kinds(words: str, *networks: str, only_by_address: bool = False) -> list[Kind]:
    return [Kind(words, ip_network(text), only_by_address) for text in networks]


# The first match names the kind, so narrow networks stand before wide ones.
KINDS: tuple[Kind, ...] = (
    *_kinds(
        "the address of a metadata service",
        "169.254.169.254/32",  # most clouds
        "169.254.170.2/32",  # AWS, credentials of a container
        "169.254.169.123/32",  # AWS, time
        "100.100.100.200/32",  # Alibaba
        "192.0.0.192/32",  # Oracle
        "168.63.129.16/32",  # Azure, in public space
        "fd00:ec2::254/128",  # AWS
        "fd20:ce::254/128",  # Google
        only_by_address=True,
    ),
    *_kinds("an unspecified address", "0.0.0.0/8", "::/128"),
    *_kinds("a loopback address", "127.0.0.0/8", "::1/128"),
    *_kinds("a private address", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    *_kinds("a private address", "fc00::/7", "fec0::/10"),
    *_kinds("a shared (carrier-grade NAT) address", "100.64.0.0/10"),
    *_kinds("a link-local address", "169.254.0.0/16", "fe80::/10"),
    *_kinds("a multicast address", "224.0.0.0/4", "ff00::/8"),
    *_kinds("a documentation address", "192.0.2.0/24", "198.51.100.0/24"),
    *_kinds("a documentation address", "203.0.113.0/24"),
    *_kinds("a documentation address", "2001:db8::/32", "3fff::/20"),
    *_kinds("a benchmarking address", "198.18.0.0/15", "2001:2::/48"),
    *_kinds("a tunnel address", "192.88.99.0/24", "2001::/32", "2002::/16"),
    *_kinds("a reserved address", "192.0.0.0/24", "240.0.0.0/4", "2001::/23"),
    *_kinds("a discard address", "100::/64", "100:0:0:1::/64"),
    *_kinds("a segment-routing address", "5f00::/16"),
    *_kinds("a reserved address", "::/8"),  # v4 in many disguises, 64:ff9b:1::/48
)
_ISATAP = Kind("a tunnel address", ip_network("::/0"), only_by_address=True)
_MAPPED = ip_network("::ffff:0:0/96")
_NAT64 = ip_network("64:ff9b::/96")


@lru_cache(1024)
def kind_of(address: Address) -> Kind | None:
    """None for an address that anybody may call."""
    for kind in KINDS:
        if address.version == kind.network.version and address in kind.network:
            return kind
    return _ISATAP if _is_isatap(address) else None


def _is_isatap(address: Address) -> bool:
    """RFC 5214: a v4 address behind 0:5efe or 200:5efe, under any prefix."""
    return address.version == 6 and int(address) >> 32 & 0xFDFF_FFFF == 0x0000_5EFE


def unwrap(address: Address) -> Address:
    """The v4 address that a mapped or NAT64 one stands for (RFC 4291, RFC 6052)."""
    if address.version == 6 and (address in _MAPPED or address in _NAT64):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


_ENDS_AS_NUMBER = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)", re.ASCII)
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+", re.ASCII)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


@lru_cache(1024)
def read_host(host: str) -> Address | str:
    """The address that a host spells in any form getaddrinfo takes, or its name.

    Raises ValueError where it is neither. A name comes back in ASCII, lower case
    and without the root's dot.
    """
    text = host if host.isascii() else host.encode("idna").decode("ascii")
    text = text.lower()
    if ":" in text or text.startswith("["):
        return _read_v6(text)
    text = text.removesuffix(".")
    if _ENDS_AS_NUMBER.fullmatch(text):
        return _read_v4(text)
    if len(text) > 253 or not _NAME.fullmatch(text):
        raise ValueError("not a host name")
    return text


def one_spelling(host: str) -> str:
    """The same for each way in which a URL may write this host."""
    try:
        read = read_host(host)
    except ValueError:
        return host
    return read if isinstance(read, str) else str(unwrap(read))


def _read_v6(text: str) -> IPv6Address:
    if text.startswith("["):
        text = text.removeprefix("[").removesuffix("]")
    return IPv6Address(text.partition("%")[0])  # a zone changes nothing about it


def _read_v4(text: str) -> IPv4Address:
    """As inet_aton reads it: one to four parts, decimal, octal or hexadecimal."""
    parts = [_read_number(part) for part in text.split(".")]
    *firsts, last = parts
    if len(firsts) > 3 or any(n > 255 for n in firsts) or last >> 8 * (4 - len(firsts)):
        raise ValueError("not an address")
    head = sum(n << 8 * (3 - i) for i, n in enumerate(firsts))
    return IPv4Address(head | last)


def _read_number(part: str) -> int:
    if not _NUMBER.fullmatch(part) or len(part) > 64:
        raise ValueError("not an address")
    if part.startswith("0x"):
        return int(part, 16)
    return int(part, 8 if part.startswith("0") else 10)


def as_address(address: Address | str) -> Address:
    if isinstance(address, str):
        return ip_address(address.partition("%")[0])
    return address
