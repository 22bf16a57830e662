"""A webhook's settings: what people choose, and how a row keeps it."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

import msgspec

from callboard.auth.settings import Auth
from callboard.matching.context import Context
from callboard.matching.filters import FilterSettings
from callboard.matching.sending import Sending
from callboard.payload.settings import Payload
from callboard.retry import DEFAULT_PLAN
from callboard.schedule import Schedule
from callboard.webhooks.recipients import DEFAULT_NOTIFY
from callboard.webhooks.tables import Webhook

Success = Literal["2xx", "200"] | tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """Each setting has a column of its name, except `secret`: a key that the caller
    brings for a signing scheme that is new; without it one is made.

    `signature_header`: empty for the usual one of the scheme.
    `recipients`: ids of members, or mail addresses. `schedule`: gaps between tries;
    with scheduled runs (`delivery`) each run is a try instead.
    """

    url: str
    events: tuple[str, ...]
    filter: str = ""
    conditions: dict[str, Any] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    sending: Sending = field(default_factory=Sending)
    name: str = ""
    app: str = ""
    method: str = "POST"
    payload: Payload = field(default_factory=Payload)
    headers: dict[str, str] = field(default_factory=dict)
    auth: Auth = field(default_factory=Auth)
    signing: str = "standard"
    signature_header: str = ""
    secret: str | None = None
    success: Success = "2xx"
    schedule: tuple[int, ...] = DEFAULT_PLAN.gaps
    delivery: Schedule | None = None
    timeout: int = 15
    rate_per_second: float | None = None
    concurrency: int = 10
    ordered: bool = False
    hold_days: int = 5
    deactivate_after: int | None = 1
    recipients: tuple[str, ...] = ()
    notify: tuple[str, ...] = DEFAULT_NOTIFY


SETTINGS = tuple(each.name for each in fields(NewWebhook) if each.name != "secret")
_AS_JSON = frozenset(
    {"events", "payload", "headers", "auth", "success", "schedule"}
    | {"conditions", "context", "sending", "delivery", "recipients", "notify"}
)
_PLAIN = frozenset(SETTINGS) - _AS_JSON


def settings_of(row: Webhook) -> NewWebhook:
    """What a form shows and a change starts from; the secret stays where it is."""
    kept = vars(row)  # each column is a descriptor, slow to ask for one by one
    read = {name: msgspec.json.decode(kept[name]) for name in _AS_JSON}
    return msgspec.convert({name: kept[name] for name in _PLAIN} | read, NewWebhook)


def filters_of(new: NewWebhook) -> FilterSettings:
    return FilterSettings(
        filter=new.filter,
        conditions=new.conditions,
        context=new.context,
        sending=new.sending,
    )


def columns(new: NewWebhook) -> dict[str, Any]:
    """Auth without a secret that nobody has sealed."""
    chosen = {name: getattr(new, name) for name in SETTINGS}
    chosen["auth"] = new.auth.kept()
    return chosen | {name: as_json(chosen[name]) for name in _AS_JSON}


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
