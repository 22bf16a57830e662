"""The TLS contexts of webhooks that show a client certificate."""

import asyncio
import secrets
import ssl
from collections import OrderedDict

from callboard.auth import certificates
from callboard.auth.settings import Auth
from callboard.delivery.sharing import Shared
from callboard.egress.client_tls import client_context

_REMEMBERED = 96  # each takes about a megabyte for the authorities it trusts

_Identity = tuple[str, str]


class Contexts:
    """One for each certificate and key: connections are kept by context, so that none
    is ever used in another's name. Many webhooks may show the same certificate.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[_Identity, ssl.SSLContext] = OrderedDict()
        self._making: Shared[_Identity, ssl.SSLContext] = Shared()

    async def get(self, auth: Auth) -> ssl.SSLContext:
        """Raises ValueError or ssl.SSLError where no TLS can be made of it."""
        identity = auth.shown["certificate"], auth.secret or ""
        if (found := self._kept.get(identity)) is None:
            found = await self._making.get(identity, lambda: _make(*identity))
            self._kept[identity] = found
        self._kept.move_to_end(identity)
        if len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)
        return found


async def _make(chain: str, key: str) -> ssl.SSLContext:
    return await asyncio.to_thread(_make_now, chain, key)


def _make_now(chain: str, key: str) -> ssl.SSLContext:
    password = secrets.token_hex(32).encode()
    return client_context(certificates.bundle(chain, key, password), password)
