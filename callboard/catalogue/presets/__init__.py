"""Ready catalogues: the event types of systems whose webhooks people already know.

dialog_insight.json follows seed 004_5532c3945a0336e9 and what the vendor says in
public: the names of events, ContactID, the opt-in and mailing fields. Inferred are the
names contact_added, contact_optin and contact_quarantine, the wrapper `Data`, and that
message events carry the fields of the mailing. All values are made up.
"""

from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from msgspec.json import decode

from callboard.errors import NotFound

_FILES = {"dialoginsight": "dialog_insight.json"}


@dataclass(frozen=True, slots=True)
class PresetType:
    name: str
    group: str
    description: str
    sample: dict[str, Any]
    schema: dict[str, Any]
    placeholders: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preset:
    name: str
    title: str
    vendor: str
    event_types: tuple[PresetType, ...]


def names() -> list[str]:
    return list(_FILES)


def load(name: str) -> Preset:
    if name not in _FILES:
        known = ", ".join(_FILES)
        raise NotFound(f"There is no ready catalogue of this name. There is: {known}.")
    text = files(__name__).joinpath(_FILES[name]).read_bytes()
    return decode(text, type=Preset)
