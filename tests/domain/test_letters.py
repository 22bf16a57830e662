"""What a mail about one webhook says of what is kept."""

import pytest

from callboard.notices import mail
from callboard.notices.letters import Facts, Now
from tests.make import NOW, later

KEPT = "New events are held until "
NOT_KEPT = "new events are not kept."
CHOICE = "you choose whether the held deliveries are sent or discarded."


@pytest.mark.parametrize(
    ("now", "said", "unsaid"),
    [
        (Now(takes_until=later(days=5)), [KEPT, CHOICE], [NOT_KEPT]),
        (Now(keeps=False, takes_until=NOW), [NOT_KEPT], [KEPT, CHOICE]),
        (
            Now(keeps=False, takes_until=NOW, waiting=2),
            ["2 deliveries are held.", NOT_KEPT.capitalize(), CHOICE],
            [KEPT],
        ),
    ],
)
def test_a_deactivated_webhook_promises_only_what_it_keeps(
    now: Now, said: list[str], unsaid: list[str]
):
    facts = Facts(name="CRM", since=NOW, last_at=NOW, last_status=503, why="it failed")
    words = " ".join(mail.write("deactivated", facts, now).lines)
    assert [part for part in said if part not in words] == []
    assert [part for part in unsaid if part in words] == []
