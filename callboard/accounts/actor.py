from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, in which account and when: one for each request.

    `name`: as the audit log calls them.
    """

    account: str
    name: str
    now: datetime
