"""Which hosts and addresses may be called. Pure: values in, a sentence or None out."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network

from callboard.egress.addresses import (
    LOOPBACKS,
    Address,
    Kind,
    Network,
    as_address,
    kind_of,
    read_host,
    unwrap,
)

Destination = Network | str

_INNER = ("local", "localdomain", "internal", "home.arpa")
_METADATA = ("metadata", "metadata.goog", "instance-data")


def _never(_: Address) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What the operator allows and denies, over the built-in table.

    `deny` wins over `allow`. A name in `allow` opens whatever the name leads to,
    except metadata services: those open only by their very address.
    `closed_ports` stay closed on addresses that only `allow` opened: our own
    database and queue listen there. `is_ours` tells of a public address whether it
    is this machine's: what listens there may trust callers from within.
    """

    allow: tuple[Destination, ...] = ()
    deny: tuple[Destination, ...] = ()
    closed_ports: frozenset[int] = frozenset()
    is_ours: Callable[[Address], bool] = _never

    def refuse(
        self, address: Address | str, host: str, port: int | None = None
    ) -> str | None:
        """Why a call to `host` may not go to `address`, or None where it may.

        The sentence names the address only if `host` is an address too: what the
        name servers answered may be somebody's secret.
        """
        met = as_address(address)
        name = _name_of(host)
        if _covers(self.deny, met, name):
            return f"{_subject(met, name)} an address that DENY_DESTINATIONS refuses"
        kind = self._kind_of(unwrap(met))
        if kind is None:
            return None
        if not self._allows(met, name, kind):
            return f"{_subject(met, name)} {kind.words}; {_advice(met, name, kind)}"
        if port in self.closed_ports:
            return f"Port {port} is closed to webhooks on the addresses allowed here"
        return None

    def refuse_host(self, host: str, port: int | None = None) -> str | None:
        """The same for a host as it stands in a URL; names are not looked up."""
        try:
            read = read_host(host)
        except ValueError:
            return "This is neither a host name nor an address"
        if not isinstance(read, str):
            return self.refuse(read, host, port)
        if is_localhost(read):
            return self._refuse_localhost(read, port)
        return self._refuse_name(read)

    def _refuse_localhost(self, name: str, port: int | None) -> str | None:
        verdicts = [self.refuse(address, name, port) for address in LOOPBACKS]
        return None if None in verdicts else verdicts[0]

    def _refuse_name(self, name: str) -> str | None:
        if _names(self.deny, name):
            return f"{name} is a name that DENY_DESTINATIONS refuses"
        if not _is_inner(name) or _names(self.allow, name):
            return None
        return (
            f"{name} is a name for internal use; "
            f"add it to ALLOW_DESTINATIONS to allow it"
        )

    def _kind_of(self, address: Address) -> Kind | None:
        kind = kind_of(address)
        if kind is None and self.is_ours(address):
            return Kind("an address of this machine", ip_network(address))
        return kind

    def _allows(self, address: Address, name: str | None, kind: Kind) -> bool:
        if kind.only_by_address:
            return _is_listed(self.allow, unwrap(address))
        return _covers(self.allow, address, name)


def parse_destinations(text: str) -> tuple[Destination, ...]:
    """Reads a setting: networks, addresses, names, `*.names`; by comma or space.

    Raises ValueError with every wrong entry.
    """
    found: list[Destination] = []
    wrong: list[str] = []
    for entry in text.replace(",", " ").split():
        try:
            found.append(_read_destination(entry))
        except ValueError:
            wrong.append(entry)
    if wrong:
        raise ValueError(
            f"neither a network, an address nor a host name: {', '.join(wrong)}"
        )
    return tuple(found)


def is_localhost(name: str) -> bool:
    """RFC 6761: these names mean this machine and are not asked of name servers."""
    return name == "localhost" or name.endswith(".localhost")


def _read_destination(entry: str) -> Destination:
    if "/" in entry:
        return ip_network(entry)
    wild = entry.startswith("*.")
    read = read_host(entry[2:] if wild else entry)
    if isinstance(read, str):
        return f"*.{read}" if wild else read
    if wild:
        raise ValueError("an address has no names below it")
    return ip_network(read)


def _name_of(host: str) -> str | None:
    """None for a host that is an address."""
    try:
        read = read_host(host)
    except ValueError:
        return host
    return read if isinstance(read, str) else None


def _covers(
    destinations: tuple[Destination, ...], address: Address, name: str | None
) -> bool:
    if name is not None and _names(destinations, name):
        return True
    plain = unwrap(address)
    return any(
        (plain.version == item.version and plain in item)
        or (address.version == item.version and address in item)
        for item in destinations
        if not isinstance(item, str)
    )


def _names(destinations: tuple[Destination, ...], name: str) -> bool:
    return any(
        name == item or (item.startswith("*.") and name.endswith(item[1:]))
        for item in destinations
        if isinstance(item, str)
    )


def _is_listed(destinations: tuple[Destination, ...], address: Address) -> bool:
    return any(
        item.num_addresses == 1 and item.network_address == address
        for item in destinations
        if not isinstance(item, str)
    )


def _is_inner(name: str) -> bool:
    return name in _METADATA or any(
        name == end or name.endswith(f".{end}") for end in _INNER
    )


def _subject(address: Address, name: str | None) -> str:
    return f"{address} is" if name is None else f"{name} leads to"


def _advice(address: Address, name: str | None, kind: Kind) -> str:
    if name is not None:
        wanted = "that address" if kind.only_by_address else "the name or its network"
        return f"add {wanted} to ALLOW_DESTINATIONS to allow it"
    wider = None if kind.only_by_address else kind.network
    return f"set ALLOW_DESTINATIONS={wider or unwrap(address)} to allow it"
