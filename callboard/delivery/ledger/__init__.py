"""Every state change of a delivery, each compare-and-set, all in batches.

`enter` → `claim` → `record` is a delivery's ordinary life; what people and the sweep do
beside it is in `acts`. Functions take the `Database` of the caller's `writing()` block.
"""

from callboard.delivery.ledger.claims import claim, next_due
from callboard.delivery.ledger.entries import enter, nudge
from callboard.delivery.ledger.facts import read
from callboard.delivery.ledger.records import record
from callboard.delivery.ledger.values import (
    Claimed,
    NewDelivery,
    Recorded,
    Result,
    Sent,
    mostly_bulk,
)

__all__ = [
    "Claimed",
    "NewDelivery",
    "Recorded",
    "Result",
    "Sent",
    "claim",
    "enter",
    "mostly_bulk",
    "next_due",
    "nudge",
    "read",
    "record",
]
