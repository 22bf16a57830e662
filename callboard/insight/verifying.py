"""A call that somebody received: does it prove where it comes from, and is it ours?

The signature alone says so; what was sent under its `webhook-id` says where it was
changed.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from callboard.delivery import reading
from callboard.delivery.calls.targets import read_keyring
from callboard.delivery.reading import AttemptView, Filter
from callboard.signing.examine import Headers, Step, Verdict, examine
from callboard.vault import Vault
from callboard.webhooks.tables import Webhook

_MOST = 20  # deliveries of one event to one webhook: the first, and those by hand
_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Sent:
    """A try: which one, when, its `webhook-timestamp`, and its body."""

    name: str
    timestamp: str
    body: bytes


async def verify(
    row: Webhook, vault: Vault, headers: Headers, body: bytes, now: datetime
) -> list[Step]:
    """What a receiver does, step by step, and how it compares with what was sent."""
    steps = examine(read_keyring(row, vault), headers, body, now)
    values = {name.lower(): value for name, value in headers}
    sent = [each async for each in _sent(row, values.get("webhook-id", ""))]
    return [*steps, compare(sent, values.get("webhook-timestamp", ""), body)]


def compare(sent: Sequence[Sent], timestamp: str, body: bytes) -> Step:
    """With the try of that time, else with those that had this body, else the last."""
    if not sent:
        text = "No call of this webhook with this webhook-id is kept here."
        return Step("sent", Verdict.SKIPPED, text)
    of_time = [each for each in sent if each.timestamp == timestamp]
    same = [each for each in of_time or sent if each.body == body]
    if same and of_time:
        text = f"This is what was sent: {same[-1].name}."
        return Step("sent", Verdict.PASSED, text)
    if same:
        text = f"This body was sent: {same[-1].name}. Its webhook-timestamp was"
        return Step("sent", Verdict.FAILED, f"{text} {same[-1].timestamp}.")
    other = (of_time or sent)[-1]
    return Step("sent", Verdict.FAILED, f"{other.name}: {_difference(other, body)}")


def _difference(sent: Sent, body: bytes) -> str:
    pairs = enumerate(zip(sent.body, body, strict=False))
    ends = min(len(sent.body), len(body))
    place = next((n for n, (ours, theirs) in pairs if ours != theirs), ends)
    ours, theirs = (_around(each, place) for each in (sent.body, body))
    return (
        f"{len(sent.body)} bytes were sent, and these are {len(body)}. They differ from"
        f" byte {place + 1} on: {ours} was sent, {theirs} is here."
    )


def _around(body: bytes, place: int) -> str:
    part = body[place : place + _SHOWN].decode(errors="replace")
    more = "…" if len(body) > place + _SHOWN else ""
    return f"“{part}{more}”" if part else "nothing more"


async def _sent(row: Webhook, id: str) -> AsyncIterator[Sent]:
    if not id.startswith("evt_"):
        return
    wanted = Filter(webhook=row.id, event=id)
    found = await reading.page(row.account, wanted, limit=_MOST)
    for delivery in reversed(found.items):
        whole = await reading.get(row.account, delivery.id)
        for attempt in whole.attempts:
            yield _of(attempt)


def _of(attempt: AttemptView) -> Sent:
    headers = {name.lower(): value for name, value in attempt.request.headers}
    name = f"try {attempt.number}, {attempt.started_at:%d %b %Y, %H:%M:%S} UTC"
    return Sent(name, headers.get("webhook-timestamp", ""), attempt.request.body)
