"""Sends a mail by SMTP, or without a server puts it into a folder."""

import asyncio
import ssl
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib

_SECONDS = 20.0  # for all that a mail takes


class MailError(Exception):
    """It was not taken; the text is fit for people."""


class Mailer:
    """`smtp_url` None: mails are written to `outbox` as .eml files."""

    def __init__(self, smtp_url: str | None, mail_from: str, outbox: Path) -> None:
        self.mail_from = mail_from
        self._url = smtp_url
        self._outbox = outbox

    async def send(self, message: EmailMessage, address: str, name: str) -> None:
        """Raises MailError. `name` is that of the file."""
        if self._url is None:
            self._keep(message, name)
            return
        try:
            async with asyncio.timeout(_SECONDS):
                await self._send(message, address, self._url)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            (each,) = refused.recipients
            raise MailError(f"The address was refused: {_answer(each)}") from refused
        except aiosmtplib.SMTPResponseException as refused:
            raise MailError(f"The mail was refused: {_answer(refused)}") from refused
        except TimeoutError as problem:
            raise MailError("The mail server did not answer in time.") from problem
        except (aiosmtplib.SMTPException, OSError, ValueError) as problem:
            text = (str(problem) or type(problem).__name__).rstrip(".")
            raise MailError(f"The mail server cannot be used: {text}.") from problem

    async def _send(self, message: EmailMessage, address: str, url: str) -> None:
        parts = urlsplit(url)
        at_once = parts.scheme == "smtps"
        user = unquote(parts.username) if parts.username else None
        # A password never goes out in the clear, except to this very machine.
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        must = True if user and not at_once and not local else None
        await aiosmtplib.send(
            message,
            recipients=[address],
            hostname=parts.hostname,
            port=parts.port or (465 if at_once else 587 if user else 25),
            username=user,
            password=unquote(parts.password) if parts.password else None,
            use_tls=at_once,
            start_tls=None if at_once or must is None else must,
            tls_context=ssl.create_default_context(),
        )

    def _keep(self, message: EmailMessage, name: str) -> None:
        try:
            self._outbox.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._outbox / f"{name}.eml").write_bytes(message.as_bytes())
        except OSError as problem:
            raise MailError(f"The outbox cannot be written: {problem}") from problem


def _answer(refused: aiosmtplib.SMTPResponseException) -> str:
    return f"{refused.code} {refused.message}"[:300].rstrip(".") + "."
