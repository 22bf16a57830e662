"""Which hosts and addresses may be called. Pure: values in, a sentence or None out."""

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


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What the operator allows and denies, over the built-in table.

    `deny` wins over `allow`. A name in `allow` opens whatever the name leads to,
    except metadata services: those open only by their very address.
    """

    allow: tuple[Destination, ...] = ()
    deny: tuple[Destination, ...] = ()

    def refuse(self, address: Address | str, host: str) -> str | None:
        """Why a call to `host` may not go to `address`, or None where it may.

        The sentence names the address only if `host` is that address: an answer
        of the name servers may be somebody's secret.
        """
        met = as_address(address)
        name = _name_of(host)
        if _covers(self.deny, met, name):
            return f"{host} {_leads(name)} an address that DENY_DESTINATIONS refuses"
        kind = kind_of(unwrap(met))
        if kind is None or self._allows(met, name, kind):
            return None
        return _sentence(host, name, kind)

    def refuse_host(self, host: str) -> str | None:
        """The same for a host as it stands in a URL; names are not looked up."""
        try:
            read = read_host(host)
        except ValueError:
            return "This is neither a host name nor an address"
        if not isinstance(read, str):
            return self.refuse(read, host)
        if is_localhost(read):
            return self._refuse_localhost(host)
        return self._refuse_name(host, read)

    def _refuse_localhost(self, host: str) -> str | None:
        verdicts = [self.refuse(address, host) for address in LOOPBACKS]
        return None if None in verdicts else verdicts[0]

    def _refuse_name(self, host: str, name: str) -> str | None:
        if _names(self.deny, name):
            return f"{host} is refused by DENY_DESTINATIONS"
        if not _is_inner(name) or _names(self.allow, name):
            return None
        return (
            f"{host} is a name for internal use; "
            f"set ALLOW_DESTINATIONS={name} to allow it"
        )

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
    try:
        read = read_host(host)
    except ValueError:
        return None
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


def _leads(name: str | None) -> str:
    return "is" if name is None else "leads to"


def _sentence(host: str, name: str | None, kind: Kind) -> str:
    if name is None:
        opening = host.strip("[]") if kind.only_by_address else kind.network
        return f"{host} is {kind.words}; set ALLOW_DESTINATIONS={opening} to allow it"
    wanted = "its address" if kind.only_by_address else name
    return (
        f"{host} leads to {kind.words}; add {wanted} to ALLOW_DESTINATIONS to allow it"
    )
