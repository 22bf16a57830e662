"""How events come in."""

from callboard.ingest.acceptor import Acceptor
from callboard.ingest.events import EVENT_BYTES, MOST_EVENTS, NewEvent, Receipt
from callboard.ingest.intake import Room

__all__ = ["EVENT_BYTES", "MOST_EVENTS", "Acceptor", "NewEvent", "Receipt", "Room"]
