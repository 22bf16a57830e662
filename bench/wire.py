"""The little of HTTP/1.1 that the sink and the load generator speak, in few cycles."""

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


def whole(data: bytes) -> int:
    """Where the first message in `data` ends; 0 while it is not complete.

    Both ends of it are ours or Callboard's, and always say their length.
    """
    end = data.find(_END)
    if end < 0:
        return 0
    total = end + 4 + _length(data[:end])
    return total if len(data) >= total else 0


def header(data: bytes, name: bytes) -> bytes:
    """The value of a header that is spelled exactly so; empty when it is not there."""
    start = data.find(b"\r\n" + name + b": ")
    if start < 0:
        return b""
    start += len(name) + 4
    return data[start : data.find(b"\r\n", start)]


def _length(head: bytes) -> int:
    start = head.lower().find(_LENGTH)
    if start < 0:
        return 0
    start += len(_LENGTH)
    stop = head.find(b"\r\n", start)
    return int(head[start:] if stop < 0 else head[start:stop])
