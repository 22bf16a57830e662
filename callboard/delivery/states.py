from enum import StrEnum


class DeliveryState(StrEnum):
    PENDING = "pending"
    HELD = "held"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Lane(StrEnum):
    """Express: calls are quick. Patient: they are not. Untried: nobody knows yet."""

    EXPRESS = "express"
    PATIENT = "patient"
    UNTRIED = "untried"


class Trigger(StrEnum):
    """Why a try was made: by the plan, by a person, or as part of a replay."""

    PLAN = "plan"
    HAND = "hand"
    REPLAY = "replay"


WAITING = (DeliveryState.PENDING, DeliveryState.HELD)
FINISHED = tuple(state for state in DeliveryState if state not in WAITING)
