"""CloudEvents 1.0 over HTTP, whole in the body (structured) or in headers (binary)."""

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from callboard.payload.values import Facts

MODES = ("structured", "binary")


class _Verbatim(JSONFormat):
    """The library would read the data and write it again; here it stays as it was."""

    def write(self, event: BaseCloudEvent) -> bytes:
        data = event.get_data()
        assert isinstance(data, bytes)
        head = super().write(CloudEvent(event.get_attributes()))
        return b'%b, "data": %b}' % (head.removesuffix(b"}"), data)


_FORMAT = _Verbatim()


def message(facts: Facts, data: str, source: str, mode: str) -> HTTPMessage:
    attributes = {
        "specversion": "1.0",
        "id": facts.id,
        "source": source,
        "type": facts.type,
        "time": facts.occurred_at,
        "datacontenttype": "application/json",
    }
    event = CloudEvent(attributes, data.strip().encode())
    return (to_binary if mode == "binary" else to_structured)(event, _FORMAT)
