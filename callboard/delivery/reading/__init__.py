"""Deliveries, attempts and events as pages and programs read them."""

from callboard.delivery.reading.attempts import (
    AttemptView,
)
from callboard.delivery.reading.deliveries import (
    DeliveryView,
    Filter,
    get,
    of_event,
    page,
    sequence_of,
)
from callboard.delivery.reading.events import (
    events_page,
    find_event,
    get_event,
    latest,
    subject_of,
)

__all__ = [
    "AttemptView",
    "DeliveryView",
    "Filter",
    "events_page",
    "find_event",
    "get",
    "get_event",
    "latest",
    "of_event",
    "page",
    "sequence_of",
    "subject_of",
]
