"""Whom a webhook alerts, and of what. Each message says what to do."""

from collections.abc import Collection, Sequence

from callboard.errors import Problem
from callboard.mail_addresses import is_mail_address

MOST_RECIPIENTS = 50
_SHOWN = 80
DEFAULT_NOTIFY = ("failing", "deactivated", "reminder", "recovered")
NOTIFY = (*DEFAULT_NOTIFY, "delivery_failed")


def check_recipients(
    recipients: Sequence[str], members: Collection[str]
) -> list[Problem]:
    """`members`: the ids that may be among them, beside mail addresses."""
    if len(recipients) > MOST_RECIPIENTS:
        text = f"Choose at most {MOST_RECIPIENTS} recipients."
        return [Problem("recipients", "too_many", text)]
    return [
        Problem(f"recipients.{place}", "recipient", _neither(recipient))
        for place, recipient in enumerate(recipients)
        if recipient not in members and not is_mail_address(recipient)
    ]


def _neither(text: str) -> str:
    shown = f"“{text[:_SHOWN]}” is no address"
    return f"{shown}: write one such as ops@example.org, or choose a member."


def check_notify(kinds: Collection[str]) -> list[Problem]:
    if set(kinds) <= set(NOTIFY):
        return []
    return [Problem("notify", "unknown", f"Choose from {', '.join(NOTIFY)}.")]
