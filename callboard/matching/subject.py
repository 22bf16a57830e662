"""An event as filters see it."""

from datetime import datetime

import msgspec

from callboard.matching.values import Json


class Subject:
    """Its data is read when somebody first asks for it, and only once.

    Text that cannot be read (1e999, nested too deeply) is `None` and not `readable`.
    """

    __slots__ = ("_data", "_readable", "at", "context", "kind", "sending", "text")

    def __init__(
        self,
        text: bytes | str,
        at: datetime,
        context: tuple[str, ...] = (),
        sending: str | None = None,
        kind: str | None = None,
    ) -> None:
        self.text = text
        self.at = at
        self.context = context
        self.sending = sending
        self.kind = kind
        self._data: Json = None
        self._readable: bool | None = None

    @property
    def data(self) -> Json:
        if self._readable is None:
            self._read()
        return self._data

    @property
    def readable(self) -> bool:
        if self._readable is None:
            self._read()
        return bool(self._readable)

    def _read(self) -> None:
        try:
            self._data = msgspec.json.decode(self.text)
            self._readable = True
        except (msgspec.DecodeError, RecursionError):
            self._readable = False
