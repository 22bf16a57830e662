"""Lists whose address asks for what cannot be read: it is left out, and told."""

import re

import pytest

from tests.engine import TYPE, Engine
from tests.pages.signed_in import Browser, seen

STATE = "state: Use one of pending, held, delivered, failed, expired, cancelled."
CURSOR = "cursor: Use the cursor of the page before, unchanged."
SINCE, UNTIL = (
    f"{name}: Write a time such as 2026-01-15T09:30." for name in ("since", "until")
)


@pytest.fixture
async def webhook(engine: Engine) -> str:
    """A delivery waits for it."""
    id = await engine.webhook(name="CRM")
    await engine.post(key="order-1")
    return id


@pytest.mark.parametrize(
    ("address", "told", "shown"),
    [
        ("/deliveries?state=lost", [STATE], TYPE),
        ("/deliveries?since=soon&until=0001-01-01T00:00%2B14", [SINCE, UNTIL], TYPE),
        (
            "/deliveries?cursor=x&state=lost&since=soon&until=late",
            [CURSOR, STATE, SINCE, UNTIL],
            TYPE,
        ),
        ("/deliveries?state=held&since=soon", [SINCE], "No delivery matches."),
        ("/webhooks/{webhook}?state=lost&cursor=x", [CURSOR, STATE], TYPE),
        ("/webhooks?cursor=x", [CURSOR], "CRM"),
        ("/events?q=order-1&cursor=x", [CURSOR], "order-1"),
        ("/replays?cursor=x", [CURSOR], "No replays yet."),
        ("/settings/audit?cursor=x", [CURSOR], "CRM"),
    ],
)
async def test_the_list_is_shown_all_the_same(
    alice: Browser, webhook: str, address: str, told: list[str], shown: str
):
    answer = await alice.get(address.format(webhook=webhook), 422)
    page = seen(answer)
    assert f"It is left out. {' '.join(told)}" in page
    assert shown in page.partition(told[-1])[2]
    assert not re.search(r"[?&;](state=lost|since=soon|cursor=x)", answer.text)


async def test_a_part_is_refused_with_all_that_is_wrong(alice: Browser, webhook: str):
    answer = await alice.part("/deliveries?state=lost&cursor=x")
    assert answer.status_code == 422
    for told in (STATE, CURSOR):
        assert told.partition(": ")[2] in seen(answer)
    assert TYPE not in answer.text
