"""What a webhook's calls carry, as JSON."""

from typing import Literal, Self

import msgspec

from callboard.payload.projection import DEFAULT_LANGUAGE
from callboard.payload.settings import Payload

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Format = Literal["standard", "data", "form", "template", "none", "cloudevents"]


class PayloadIn(msgspec.Struct, forbid_unknown_fields=True):
    """`format`: none with GET, else standard, unless you say. `template`: JSON with
    placeholders. `fields`: paths in the data that are sent, `path:name` under another
    name; all, if there are none. `include`: what the event types leave out unless it is
    asked for. `language` of texts that come in several. `mode` and `source` are for
    cloudevents."""

    format: Format | None = None
    template: str = ""
    fields: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    language: str = DEFAULT_LANGUAGE
    mode: Literal["structured", "binary"] = "structured"
    source: str = ""

    def to_setting(self) -> Payload:
        return Payload(**msgspec.structs.asdict(self))


class PayloadOut(msgspec.Struct):
    """As it is with the webhook's method."""

    format: str
    template: str
    fields: tuple[str, ...]
    include: tuple[str, ...]
    language: str
    mode: str
    source: str

    @classmethod
    def of(cls, payload: Payload, method: str) -> Self:
        chosen = msgspec.structs.asdict(payload)
        return cls(**chosen | {"format": payload.format_with(method)})
