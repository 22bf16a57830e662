"""From an event to the body of a call."""

from msgspec.json import encode


def standard_body(event_id: str, type: str, timestamp: str, data: str) -> bytes:
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
