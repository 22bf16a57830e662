"""One mail about several webhooks at one host, as it is worded."""

import msgspec
import pytest

from callboard.notices import digest
from callboard.notices.letters import Facts, Now
from tests.make import NOW, later

DEAD = Facts(
    name="CRM",
    url="https://r.example/crm",
    since=NOW,
    last_at=later(minutes=5),
    last_status=503,
    why="every try failed",
)


def stopped(name: str, status: int) -> Facts:
    return msgspec.structs.replace(DEAD, name=name, last_status=status)


@pytest.mark.parametrize("kind", ["failing", "deactivated"])
def test_the_subject_names_the_answer_only_where_all_had_it(kind: str):
    same = [(stopped("A", 503), Now()), (stopped("B", 503), Now())]
    assert digest.write(kind, same, "").subject.endswith(": 503 from r.example")
    mixed = [*same, (stopped("C", 500), Now())]
    several = digest.write(kind, mixed, "").subject
    assert several.endswith(": 503 and others from r.example")


def test_each_webhook_says_since_when_it_failed_and_what_it_answered_last():
    (entry,) = digest.write("deactivated", [(DEAD, Now(waiting=2))], "").entries
    assert entry.says.startswith("Failing since ")
    assert "UTC, last answer 503. Deactivated: every try failed." in entry.says
    assert "2 deliveries are held." in entry.says
