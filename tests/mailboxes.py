"""A real SMTP server on loopback that takes mails, or refuses as it was told."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.servers import free_port

WITHIN = 40.0


@dataclass
class Mailboxes:
    """`refused`: addresses whose mailbox takes nothing. `raw`: mails as they came.
    `gate`: while it is closed no mail is answered."""

    url: str = ""
    refused: set[str] = field(default_factory=set)
    logins: list[tuple[str, str]] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def handle_RCPT(  # noqa: N802  as aiosmtpd calls it
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.refused:
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  as aiosmtpd calls it
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        assert [str(mail["To"])] == envelope.rcpt_tos
        self.mails.append(mail)
        self.raw.append(envelope.content)
        self._stirred.set()
        await self.gate.wait()
        return "250 OK"

    def authenticate(self, server: Any, *rest: Any) -> AuthResult:
        data = rest[-1]
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"p@ss", handled=False)

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]

    async def got(self, count: int, address: str) -> list[EmailMessage]:
        """Waits until so many mails have come."""
        async with asyncio.timeout(WITHIN):
            while len(found := self.to(address)) < count:
                self._stirred.clear()
                await self._stirred.wait()
        return found


@asynccontextmanager
async def receiving_mail(
    at_once: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[Mailboxes]:
    """`at_once`: TLS from the first byte. With options only who signs in is heard."""
    boxes, port = Mailboxes(), free_port()
    if options:
        options = {"authenticator": boxes.authenticate, **options}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(boxes, enable_SMTPUTF8=True, **options),
        "127.0.0.1",
        port,
        ssl=at_once,
    )
    boxes.url = f"{'smtps' if at_once else 'smtp'}://127.0.0.1:{port}"
    try:
        yield boxes
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def hanging_server() -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """It takes connections and says nothing."""
    callers: list[asyncio.StreamWriter] = []
    port = free_port()
    server = await asyncio.start_server(
        lambda _, writer: callers.append(writer), "127.0.0.1", port
    )
    try:
        yield f"smtp://127.0.0.1:{port}", callers
    finally:
        for caller in callers:
            caller.close()
        server.close()


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())
