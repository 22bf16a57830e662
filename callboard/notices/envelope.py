"""A letter as a mail: its headers, and its words in both forms."""

from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import (
    Address,
    BaseHeader,
    HeaderRegistry,
    UnstructuredHeader,
)
from email.message import EmailMessage, Message
from email.policy import EmailPolicy, Policy
from email.utils import format_datetime
from textwrap import wrap
from urllib.parse import urlsplit

from callboard.notices.letters import Letter
from callboard.notices.mail import render
from callboard.notices.mailer import MailError


class _Whole(UnstructuredHeader, BaseHeader):
    """On one line: as encoded words, which long values become otherwise, mail programs
    cannot read an address."""

    max_count = 1

    def fold(self, *, policy: "Policy[Message]") -> str:
        return f"List-Unsubscribe: {self}{policy.linesep}"


class _Subject(UnstructuredHeader, BaseHeader):
    """Begins beside its name: `email` puts all words below where they just fit there,
    which looks like no subject to what reads line by line."""

    max_count = 1

    def fold(self, *, policy: "Policy[Message]") -> str:
        if self.isascii():
            lines = wrap(self, _LINE, break_long_words=False, break_on_hyphens=False)
            told = f"{policy.linesep} ".join(lines)
        else:
            told = Header(str(self), "utf-8", header_name="Subject").encode(
                linesep=policy.linesep
            )
        return f"Subject: {told}{policy.linesep}"


_LINE = 78 - len("Subject: ")

_headers = HeaderRegistry()
_headers.map_to_type("list-unsubscribe", _Whole)
_headers.map_to_type("subject", _Subject)
_POLICY = EmailPolicy(header_factory=_headers)


def message(
    letter: Letter, sender: str, address: str, id: str, unsubscribe: str, now: datetime
) -> tuple[EmailMessage, str]:
    """The mail and its plain text. Raises MailError for an address that cannot be
    written."""
    text, html = render(letter, unsubscribe)
    made = EmailMessage(_POLICY)
    try:
        made["From"] = sender
        made["To"] = Address(addr_spec=address)
        made["Subject"] = _one_line(letter.subject)
    except (ValueError, IndexError, MessageError) as problem:
        raise MailError("This address cannot be written in a mail.") from problem
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{id}@{urlsplit(letter.button[1]).hostname or 'callboard'}>"
    made["Auto-Submitted"] = "auto-generated"
    if unsubscribe:
        made["List-Unsubscribe"] = f"<{unsubscribe}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    made.set_content(text)
    made.add_alternative(html, subtype="html")
    return made, text


def _one_line(subject: str) -> str:
    """Without line ends, also those that `email` would read out of =?utf-8?q?=0A?=."""
    return " ".join(subject.split()).replace("=?", "= ?")
