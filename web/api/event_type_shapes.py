"""Event types as JSON."""

from datetime import datetime
from typing import Any, Literal, Self

import msgspec

from callboard.catalogue.new_types import NewEventType
from callboard.catalogue.tables import EventType
from web.api.shapes import json_text, null, raw


class EventTypeIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`schema` is a JSON schema, `sample` an example of an event's data.

    `placeholders`: short names for paths, such as contactNumber for data.contactNumber.
    `fields`: by their paths in the data, what is left out unless a webhook includes it
    (`on_demand`), of what only the id is sent unless it does (`relation`), and what
    comes in a webhook's language (`translated`). `kinds`: of the messages that its
    events are about, such as newsletter.
    """

    name: str
    group: str = ""
    description: str = ""
    schema: msgspec.Raw = msgspec.field(default_factory=null)
    sample: msgspec.Raw = msgspec.field(default_factory=null)
    placeholders: dict[str, str] = {}
    fields: dict[str, Literal["on_demand", "relation", "translated"]] = {}
    kinds: tuple[str, ...] = ()

    def to_command(self) -> NewEventType:
        return NewEventType(
            name=self.name,
            group=self.group,
            description=self.description,
            schema=json_text(self.schema),
            sample=json_text(self.sample),
            placeholders=self.placeholders,
            fields=self.fields,
            kinds=self.kinds,
        )


class EventTypeChangeIn(EventTypeIn, kw_only=True):
    """The address has the name; here it may be left out, but not be another."""

    name: str = ""


class EventTypeOut(msgspec.Struct):
    name: str
    group: str
    description: str
    schema: Any
    sample: Any
    placeholders: Any
    fields: Any
    kinds: Any
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, row: EventType) -> Self:
        return cls(
            name=row.name,
            group=row.group,
            description=row.description,
            schema=raw(row.schema),
            sample=raw(row.sample),
            placeholders=raw(row.placeholders),
            fields=raw(row.fields),
            kinds=raw(row.kinds),
            created_at=row.created_at,
            changed_at=row.changed_at,
        )


class InstalledOut(msgspec.Struct):
    """Names of event types: added now, and there before."""

    added: tuple[str, ...]
    present: tuple[str, ...]
