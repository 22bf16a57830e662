"""The TLS contexts of webhooks that show a client certificate."""

import asyncio
import secrets
import ssl
from collections import OrderedDict

from callboard.auth import certificates
from callboard.auth.settings import Auth
from callboard.delivery.calls.sharing import Shared
from callboard.delivery.calls.targets import Target
from callboard.egress.tls import client_context

_REMEMBERED = 64  # each takes about a megabyte for the authorities it trusts

_Key = tuple[str, int]


class Contexts:
    """One for each version of a webhook, so that no two share a connection."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, ssl.SSLContext] = OrderedDict()
        self._making: Shared[_Key, ssl.SSLContext] = Shared()

    async def get(self, target: Target) -> ssl.SSLContext:
        """Raises ValueError or ssl.SSLError where no TLS can be made of it."""
        key = target.webhook, target.version
        if key not in self._kept:
            self._kept[key] = await self._making.get(key, lambda: _make(target.auth))
            if len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


async def _make(auth: Auth) -> ssl.SSLContext:
    return await asyncio.to_thread(_make_now, auth)


def _make_now(auth: Auth) -> ssl.SSLContext:
    password = secrets.token_hex(32).encode()
    chain = auth.shown["certificate"]
    bundle = certificates.bundle(chain, auth.secret or "", password)
    return client_context(bundle, password)
