"""The part of a webhook's form that says how it is called and what is sent."""

import re
from dataclasses import dataclass
from typing import Self

from callboard.payload.settings import Payload

_USUAL = Payload()


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadForm:
    """The settings of every format: the page shows those of the chosen one. Of
    `payload_fields` there is one a line."""

    method: str = ""
    payload_format: str = ""
    payload_template: str = ""
    payload_fields: str = ""
    payload_include: tuple[str, ...] = ()
    payload_language: str = ""
    payload_mode: str = ""
    payload_source: str = ""

    def to_payload(self) -> Payload:
        """Standard is ticked before anybody chooses: it gives way to a GET call."""
        is_usual = self.payload_format in ("", "standard")
        return Payload(
            format=None if is_usual else self.payload_format,
            template=self.payload_template,
            fields=tuple(re.findall(r"[^\s,]+", self.payload_fields)),
            include=self.payload_include,
            language=self.payload_language.strip() or _USUAL.language,
            mode=self.payload_mode or _USUAL.mode,
            source=self.payload_source.strip(),
        )

    @classmethod
    def of(cls, payload: Payload, method: str) -> Self:
        return cls(
            method=method,
            payload_format=payload.format_with(method),
            payload_template=payload.template,
            payload_fields="\n".join(payload.fields),
            payload_include=payload.include,
            payload_language=payload.language,
            payload_mode=payload.mode,
            payload_source=payload.source,
        )
