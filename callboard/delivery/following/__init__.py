"""Deliveries follow their webhook's change of state, in steps.

Each locks the turn of the webhook before its deliveries, as claim and record do.
"""

from callboard.delivery.following.course import follow
from callboard.delivery.following.holding import keep
from callboard.delivery.following.seeking import gather, webhooks

__all__ = ["follow", "gather", "keep", "webhooks"]
