"""A webhook as JSON. Fields group as callers think of them; the domain's are flat."""

from datetime import datetime
from typing import Any, Literal, Self

import msgspec

from callboard.auth.settings import MASK
from callboard.delivery.standing import Standing
from callboard.matching.context import Context
from callboard.matching.sending import Sending
from callboard.retry import DEFAULT_PLAN
from callboard.webhooks.defaults import Defaults
from callboard.webhooks.recipients import DEFAULT_NOTIFY
from callboard.webhooks.settings import SETTINGS, NewWebhook, settings_of
from callboard.webhooks.tables import Webhook
from web.api.auth_shapes import AuthIn, AuthOut
from web.api.payload_shapes import Method, PayloadIn, PayloadOut
from web.api.schedule_shapes import ScheduleIn, ScheduleOut, delivery_of
from web.api.signing_shapes import KeyOut, SigningIn, SigningOut, signing_of

# What a field of the JSON is called in the domain, where that differs.
_RENAMED = {
    "retry": ("schedule",),
    "signing": ("signing", "signature_header", "secret"),
}
_Success = str | int | tuple[int, ...]


class RetryIn(msgspec.Struct, forbid_unknown_fields=True):
    """Seconds between one try and the next."""

    schedule: tuple[int, ...] = DEFAULT_PLAN.gaps


class WebhookSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What may be changed later."""

    url: str
    events: tuple[str, ...]
    filter: str = ""
    conditions: dict[str, Any] = {}
    context: Context = msgspec.field(default_factory=Context)
    sending: Sending = msgspec.field(default_factory=Sending)
    name: str = ""
    app: str = ""
    method: Method = "POST"
    payload: PayloadIn = msgspec.field(default_factory=PayloadIn)
    headers: dict[str, str] = {}
    auth: AuthIn = msgspec.field(default_factory=AuthIn)
    signing: SigningIn = msgspec.field(default_factory=SigningIn)
    success: _Success = "2xx"
    retry: RetryIn = msgspec.field(default_factory=RetryIn)
    delivery: ScheduleIn = msgspec.field(default_factory=ScheduleIn)
    timeout: int = 15
    rate_per_second: float | None = None
    concurrency: int = 10
    ordered: bool = False
    hold_days: int | msgspec.UnsetType = msgspec.UNSET
    deactivate_after: int | None = 1
    recipients: tuple[str, ...] = ()
    notify: tuple[str, ...] = DEFAULT_NOTIFY

    def settings(self) -> dict[str, Any]:
        """By the domain's names."""
        same = {name: getattr(self, name) for name in SETTINGS if hasattr(self, name)}
        return same | {
            "auth": self.auth.settings(),
            "payload": self.payload.to_setting(),
            **self.signing.settings(),
            "success": _rule(self.success),
            "schedule": self.retry.schedule,
            "delivery": self.delivery.schedule(),
        }

    def to_change(self, given: set[str]) -> dict[str, Any]:
        """`given`: the fields of the patch; the others stay as they are."""
        wanted = {each for name in given for each in _RENAMED.get(name, (name,))}
        return {name: v for name, v in self.settings().items() if name in wanted}

    @classmethod
    def of(cls, row: Webhook) -> Self:
        return msgspec.convert(_grouped(row), cls)


class WebhookPatch(WebhookSettings, kw_only=True):
    """A JSON merge patch (RFC 7396): what is left out stays as it is."""

    url: str | msgspec.UnsetType = msgspec.UNSET  # type: ignore[assignment]
    events: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET  # type: ignore[assignment]


class WebhookIn(WebhookSettings, kw_only=True):
    """`state` active activates it at once; otherwise it is a draft and calls nobody."""

    state: Literal["draft", "active"] = "draft"
    deactivate_after: int | msgspec.UnsetType | None = msgspec.UNSET  # type: ignore[assignment]
    recipients: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET  # type: ignore[assignment]
    notify: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET  # type: ignore[assignment]

    def to_command(self, defaults: Defaults) -> NewWebhook:
        """`defaults`: for what the caller does not name."""
        settings = self.settings()
        for name in Defaults.__struct_fields__:
            if settings[name] is msgspec.UNSET:
                settings[name] = getattr(defaults, name)
        return NewWebhook(**settings)


class RetryOut(msgspec.Struct):
    schedule: tuple[int, ...]


class LastDelivery(msgspec.Struct):
    at: datetime
    state: str


class HoldingOut(msgspec.Struct):
    """How old the oldest is, when the first expires, about how large they are (null
    where `held` is), and whether they are cancelled, step by step, instead of being
    sent."""

    oldest_at: datetime
    first_expires_at: datetime | None
    about_bytes: int | None
    discarding: bool


class WebhookOut(msgspec.Struct, kw_only=True):
    """`held`: deliveries that wait until it is activated, or still go out after; null
    where more than 100000 do, or more than 10000 and its state was just changed: no
    answer waits for so many to be counted. Of these `holding` tells more, except in
    lists. The values of `headers` are masked for keys that may only read."""

    id: str
    name: str
    app: str
    state: str
    url: str
    method: str
    events: tuple[str, ...]
    filter: str
    conditions: dict[str, Any]
    context: Context
    sending: Sending
    payload: PayloadOut
    headers: dict[str, str]
    auth: AuthOut
    signing: SigningOut
    success: str | tuple[int, ...]
    retry: RetryOut
    delivery: ScheduleOut
    timeout: int
    rate_per_second: float | None
    concurrency: int
    ordered: bool
    hold_days: int
    deactivate_after: int | None
    recipients: tuple[str, ...]
    notify: tuple[str, ...]
    held: int | None
    holding: HoldingOut | msgspec.UnsetType = msgspec.UNSET
    created_at: datetime
    last_delivery: LastDelivery | None

    @classmethod
    def of(cls, row: Webhook, standing: Standing, **more: Any) -> Self:
        beside = {
            "id": row.id,
            "state": row.state,
            "held": standing.held,
            "created_at": row.created_at,
            "last_delivery": _last(standing),
            "payload": PayloadOut.of(settings_of(row).payload, row.method),
            "auth": AuthOut.of(settings_of(row).auth),
        }
        return msgspec.convert(_grouped(row) | beside | more, cls)

    def masked(self) -> Self:
        headers = dict.fromkeys(self.headers, MASK)
        return msgspec.structs.replace(self, headers=headers)


class CreatedOut(WebhookOut, kw_only=True):
    """`secret` is shown this once; null when it is not shared, or nothing is signed.

    `hint`: what to mind with the secret that was brought. `keys`: where the receiver
    gets the public half.
    """

    secret: str | None
    hint: str | msgspec.UnsetType = msgspec.UNSET
    keys: list[KeyOut] | msgspec.UnsetType = msgspec.UNSET


class ChangedOut(WebhookOut, kw_only=True):
    """With the new secret, as in CreatedOut, if the signing scheme has changed."""

    secret: str | msgspec.UnsetType | None = msgspec.UNSET
    hint: str | msgspec.UnsetType = msgspec.UNSET
    keys: list[KeyOut] | msgspec.UnsetType = msgspec.UNSET


class ActivateIn(msgspec.Struct, forbid_unknown_fields=True):
    """`held` is needed when anything is held."""

    held: Literal["deliver", "discard"] | None = None


def _grouped(row: Webhook) -> dict[str, Any]:
    """The settings as fields of the JSON."""
    settings = settings_of(row)
    same = {name: getattr(settings, name) for name in SETTINGS}
    del same["signature_header"]
    return same | {
        "auth": settings.auth.masked(),
        "payload": msgspec.to_builtins(settings.payload),
        "signing": msgspec.to_builtins(signing_of(row)),
        "retry": {"schedule": same.pop("schedule")},
        "delivery": delivery_of(settings.delivery),
    }


def _rule(success: _Success) -> Any:
    if isinstance(success, int):
        return "200" if success == 200 else (success,)
    return success


def _last(standing: Standing) -> LastDelivery | None:
    if standing.last_at is None or standing.last_state is None:
        return None
    return LastDelivery(standing.last_at, standing.last_state)
