"""What a webhook's settings may be, in one place. Each message says what to do."""

from dataclasses import dataclass

from callboard.accounts.names import check_name
from callboard.errors import Problem
from callboard.webhooks.headers import check_beside_cloudevents, check_headers
from callboard.webhooks.recipients import check_notify, check_recipients
from callboard.webhooks.signatures import check_rotation, check_signing
from callboard.webhooks.urls import check_slots, check_url

__all__ = [
    "check_beside_cloudevents",
    "check_headers",
    "check_name",
    "check_notify",
    "check_numbers",
    "check_recipients",
    "check_rotation",
    "check_signing",
    "check_slots",
    "check_success",
    "check_url",
]

MOST_STATUSES = 20


@dataclass(frozen=True, slots=True)
class _Bound:
    least: float
    most: float
    message: str
    whole: bool = True
    optional: bool = False

    def holds(self, value: float) -> bool:
        return self.least <= value <= self.most


_BOUNDS = {
    "timeout": _Bound(1, 20, "Give 1 to 20 whole seconds."),
    "concurrency": _Bound(1, 256, "Give 1 to 256 calls at a time."),
    "hold_days": _Bound(0, 30, "Give 0 to 30 whole days."),
    "rate_per_second": _Bound(
        0.0001,
        10_000,
        "Give 0.0001 to 10000 calls per second, or nothing for no limit.",
        whole=False,
        optional=True,
    ),
    "deactivate_after": _Bound(
        1,
        1000,
        "Give 1 to 1000 failed deliveries, or nothing for never.",
        optional=True,
    ),
}


def check_numbers(settings: object) -> list[Problem]:
    """Of every setting that is a number."""
    return [
        problem
        for name in _BOUNDS
        for problem in check_number(name, getattr(settings, name))
    ]


def check_number(field: str, value: object) -> list[Problem]:
    """For timeout, concurrency, hold_days, rate_per_second and deactivate_after."""
    bound = _BOUNDS[field]
    if value is None and bound.optional:
        return []
    if type(value) is float and not bound.whole and bound.holds(value):
        return []
    if type(value) is int and bound.holds(value):
        return []
    return [Problem(field, "out_of_range", bound.message)]


def check_success(rule: object) -> list[Problem]:
    """A redirect is never a success, so it cannot be listed."""
    if rule in ("2xx", "200"):
        return []
    listed = rule if isinstance(rule, list | tuple) else []
    fine = [
        type(code) is int and 200 <= code < 600 and code // 100 != 3 for code in listed
    ]
    if all(fine) and 0 < len(fine) <= MOST_STATUSES:
        return []
    message = (
        f"Write 2xx, 200, or a list of 1 to {MOST_STATUSES} statuses"
        " between 200 and 599 without redirects."
    )
    return [Problem("success", "success", message)]
