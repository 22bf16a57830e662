"""From an event to the body of a call."""

from datetime import datetime
from urllib.parse import urlencode

from msgspec.json import encode

_ACTIONS = {"created": "CREATE", "updated": "UPDATE", "deleted": "DELETE"}


def standard_body(event_id: str, type: str, timestamp: datetime, data: str) -> bytes:
    """`data` is the sender's own JSON text and goes in as it is.

    Reading and writing it again would cost time on every call and could change what
    the receiver sees: big numbers, doubled keys, the order and spelling of things.
    """
    return b'{"id":%b,"type":%b,"timestamp":%b,"data":%b}' % (
        encode(event_id),
        encode(type),
        encode(timestamp),
        data.encode(),
    )


def form_body(type: str, data: str, attempt: int) -> bytes:
    """A postback as 002_d2ff333a4f053479.txt has it: `contact.created` is the CREATE of
    a contact, and the attempts of a delivery count from 1."""
    resource, _, action = type.rpartition(".")
    fields = {
        "type": _ACTIONS.get(action, action.upper()),
        "resource": resource or type,
        "number_of_attempts": str(attempt),
        "data": data.strip(),
    }
    return urlencode(fields).encode()
