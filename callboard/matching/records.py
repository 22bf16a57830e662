"""Which record an event tells of, so that a newer event can stand for an older one.

Where that is not plain the answer is none: taking two records for one would lose data.
"""

import msgspec

_LONGEST = 200


def record_of(type: str, data: bytes | str) -> str | None:
    """`contact 42` for a `contact.updated` with the id 42; None if it names no record.

    The resource is the type up to its last dot, or else underscore: `contact.created`,
    `contact_added`. Its id is the data's field `id`, or one called after the resource
    (`contactId`, `idContact`, `contactNumber`; case and underscores do not count), at
    the top or in an object that is called after the resource (`ContactID.idContact`).
    """
    try:
        fields = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    resource = _resource(type)
    name = _plain(resource.rpartition(".")[2])
    inner = [
        value
        for key, value in fields.items()
        if isinstance(value, dict) and _plain(key) in (name, f"{name}id")
    ]
    ids = [id for each in (fields, *inner) if (id := _id(each, name))]
    record = f"{resource} {ids[0]}" if ids else ""
    return record if ids and len(record) <= _LONGEST else None


def _resource(type: str) -> str:
    for mark in (".", "_"):
        head, _, _ = type.rpartition(mark)
        if head:
            return head
    return type


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _id(fields: dict[str, object], name: str) -> str:
    """The first of the known names that is there; empty if none is."""
    plain = {_plain(key): value for key, value in fields.items()}
    for known in ("id", f"{name}id", f"id{name}", f"{name}number"):
        value = plain.get(known)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
    return ""
