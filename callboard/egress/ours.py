"""Is this one of the machine's own addresses? Asked of the kernel for each new
connection, so that an address which comes later is known too.

Behind it listen servers that no firewall keeps from callers on the machine itself.
"""

import errno
import socket
from functools import cache

from callboard.egress.addresses import Address

_NOBODYS = {4: "192.0.2.1", 6: "2001:db8::1"}  # RFC 5737, RFC 3849
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


def is_ours(address: Address) -> bool:
    """False, too, where the kernel lets anybody bind any address (ip_nonlocal_bind)."""
    return _binds(str(address), address.version) and _tells(address.version)


@cache
def _tells(version: int) -> bool:
    return not _binds(_NOBODYS[version], version)


def _binds(address: str, version: int) -> bool:
    """Only an address of one's own can be bound; nothing is sent."""
    try:
        with socket.socket(_FAMILIES[version], socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise  # this says nothing about the address
        return False
    return True
