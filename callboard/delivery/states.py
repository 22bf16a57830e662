from collections.abc import Iterator
from enum import StrEnum

from callboard.errors import Problem


class _Word(StrEnum):
    """Hashes as the text that it is; an enum's own hash is ten times as dear."""

    __hash__ = str.__hash__


class DeliveryState(_Word):
    PENDING = "pending"
    HELD = "held"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Lane(_Word):
    """Express: calls are quick. Patient: they are not. Untried: nobody knows yet."""

    EXPRESS = "express"
    PATIENT = "patient"
    UNTRIED = "untried"


class Trigger(_Word):
    """Why a try was made: by the plan, by a person, or as part of a replay."""

    PLAN = "plan"
    HAND = "hand"
    REPLAY = "replay"


WAITING = (DeliveryState.PENDING, DeliveryState.HELD)
FINISHED = tuple(state for state in DeliveryState if state not in WAITING)


def check_state(text: str) -> Iterator[Problem]:
    """Of a list that is asked for those in it."""
    if text not in set(DeliveryState):
        yield Problem("state", "unknown", f"Use one of {', '.join(DeliveryState)}.")
