"""A client certificate near its end is told of before calls fail."""

from datetime import timedelta
from typing import Any

import pytest

from callboard.auth.settings import Auth
from callboard.notices.tables import Notice
from callboard.upkeep import expiring
from tests.certificates import FOR_CLIENTS, authority, issue
from tests.engine import Engine

OPS = "ops@example.org"
DAY = 24 * 3600


async def certified(engine: Engine, days: float, name: str, **more: Any) -> str:
    ends = engine.runtime.clock() + timedelta(days=days)
    ours = issue("us", authority(), use=FOR_CLIENTS, ends=ends)
    fields = {"certificate": ours.pem, "private_key": ours.key}
    more = {"name": name, "recipients": (OPS,), "url": "https://r.example/"} | more
    return await engine.webhook(auth=Auth.of("mtls", fields), **more)


async def stages(engine: Engine) -> list[str]:
    await expiring.tell(engine.runtime.clock)
    await expiring.tell(engine.runtime.clock)
    rows = await Notice.objects().order_by(Notice.id)
    assert {row.kind for row in rows} <= {"certificate"}
    return [row.occasion.partition(" ")[0] for row in rows]


async def test_people_hear_a_month_before_a_week_before_and_when_it_is_over(
    engine: Engine,
):
    await certified(engine, 40, "CRM sync")
    assert await stages(engine) == []
    engine.skip(15 * DAY)
    assert await stages(engine) == ["month"]
    engine.skip(20 * DAY)
    assert await stages(engine) == ["month", "week"]
    engine.skip(6 * DAY)
    assert await stages(engine) == ["month", "week", "over"]
    engine.skip(30 * DAY)
    assert await stages(engine) == ["month", "week", "over"]


async def test_another_certificate_ends_the_matter(engine: Engine):
    webhook = await certified(engine, 3, "CRM sync")
    assert await stages(engine) == ["week"]
    ends = engine.runtime.clock() + timedelta(days=300)
    ours = issue("us", authority(), use=FOR_CLIENTS, ends=ends)
    fields = {"certificate": ours.pem, "private_key": ours.key}
    await engine.change(webhook, auth=Auth.of("mtls", fields))
    assert await stages(engine) == ["week"]
    assert await expiring.endings(engine.runtime.clock()) == []


@pytest.mark.parametrize(
    "more", [{"notify": ()}, {"recipients": ()}, {"active": False}]
)
async def test_who_wants_no_mails_gets_none(engine: Engine, more: dict[str, object]):
    await certified(engine, 3, "CRM sync", **more)
    assert await stages(engine) == []


async def test_those_of_an_account_are_named_the_earliest_first(engine: Engine):
    late = await certified(engine, 3, "CRM sync")
    await certified(engine, 60, "Fine")
    over = await certified(engine, 1, "Old one")
    engine.skip(1.5 * DAY)
    now = engine.runtime.clock()
    found = await expiring.endings(now, engine.account)
    assert [(each.webhook.id, each.is_over(now)) for each in found] == [
        (over, True),
        (late, False),
    ]
    assert await expiring.endings(now, "acc_other") == []
    said = expiring.sentences(found, now)
    ended = f"{found[0].ends_at:%d %b %Y}"
    expected = f"The client certificate of Old one ({over}) ended on {ended}: bring"
    assert said[0].startswith(expected)
