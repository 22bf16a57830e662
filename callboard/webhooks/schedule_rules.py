"""A webhook's scheduled runs held against what its calls are like."""

from collections.abc import Iterator

from callboard import schedule
from callboard.errors import Problem
from callboard.webhooks.settings import NewWebhook

_FIELD = "delivery.bucket_size"


def check(new: NewWebhook) -> list[Problem]:
    if new.delivery is None:
        return []
    return [*schedule.check(new.delivery), *_check_arrays(new)]


def _check_arrays(new: NewWebhook) -> Iterator[Problem]:
    """A call with several events is a JSON array, at one address."""
    if new.delivery is None or not new.delivery.sends_arrays:
        return
    made = new.payload.format_with(new.method)
    whole = made == "cloudevents" and new.payload.mode == "structured"
    if made not in ("standard", "data", "template") and not whole:
        text = f"With the payload {made} each event needs a call of its own: give 1."
        yield Problem(_FIELD, "payload", text)
    if "${" in new.url:
        text = "With placeholders in the URL each event needs its own call: give 1."
        yield Problem(_FIELD, "url", text)
