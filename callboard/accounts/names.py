"""The names that people give to accounts, keys, webhooks and members."""

import re

from callboard.errors import Problem

LONGEST = 120

# Line ends of every kind are among them: names stand in mails and in logs.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def check_name(
    name: str, field: str = "name", empty: str = "Give it a name."
) -> list[Problem]:
    """Spaces at the ends do not count."""
    if not name.strip():
        return [Problem(field, "empty", empty)]
    if len(name.strip()) > LONGEST:
        return [Problem(field, "too_long", f"Use at most {LONGEST} characters.")]
    if _CONTROLS.search(name):
        return [Problem(field, "characters", "Use no control characters or line ends.")]
    return []
