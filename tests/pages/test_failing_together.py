"""Who looks at one webhook is told when its whole host fails."""

from callboard.health import reading as health
from callboard.insight import neighbours
from callboard.webhooks import lifecycle, webhooks
from callboard.webhooks.tables import Webhook
from tests.cast import Cast
from tests.engine import Engine, eventually
from tests.pages.signed_in import Browser, polled, seen
from tests.receiver import Answer
from tests.stories.test_failing_together import dead_webhooks


async def failing(engine: Engine, *names: str) -> list[str]:
    """Still active, each with one failed try."""
    made = []
    for name in names:
        engine.receiver.usually[f"/{name}"] = Answer(503)
        made.append(await engine.webhook(f"/{name}", name=name, schedule=(3600,)))

    async def all_fail() -> bool:
        return len(await health.failing_since(made)) == len(made)

    async with engine.working():
        await engine.post()
        await eventually(all_fail)
    return made


async def test_its_page_names_the_others_and_leads_to_them(
    alice: Browser, engine: Engine
):
    billing, crm, _ = await dead_webhooks(engine)
    page = await alice.get(f"/webhooks/{billing}")
    told = "2 other webhooks to 127.0.0.1 fail too: CRM sync (deactivated), Search"
    assert told in seen(page)
    assert f'<a href="/webhooks/{crm}">CRM sync</a>' in page.text


async def test_what_a_person_stopped_or_what_does_well_is_not_among_them(
    alice: Browser, engine: Engine
):
    billing, crm, search = await dead_webhooks(engine)
    await engine.webhook("/well", name="Well")
    await engine.activate(crm, "discard")
    await engine.activate(search, "discard")
    await lifecycle.deactivate(engine.by, search)
    assert "other webhook" not in seen(await alice.get(f"/webhooks/{billing}"))
    assert "other webhook" not in seen(await alice.get(f"/webhooks/{crm}"))
    await engine.work()


async def test_nobody_hears_of_another_accounts_webhooks(engine: Engine, cast: Cast):
    billing, crm, search = await dead_webhooks(engine)
    others = Webhook.update({Webhook.account: cast.charlie.account})
    await others.where(Webhook.id.is_in([crm, search]))
    row = await webhooks.get(engine.account, billing)
    assert await neighbours.failing_with(row) is None
    own = Webhook.update({Webhook.account: engine.account})
    await own.where(Webhook.id == search)
    found = await neighbours.failing_with(row)
    assert found is not None
    assert [each.id for each in found.named] == [search]


async def test_many_are_counted_and_shown_in_one_list(alice: Browser, engine: Engine):
    made = await failing(engine, "Ads", "Billing", "CRM", "ERP", "Search", "Shop")
    page = await alice.get(f"/webhooks/{made[1]}")
    assert "5 other webhooks to 127.0.0.1 fail too: Ads" in seen(page)
    assert '<a href="/webhooks?q=127.0.0.1">2 more</a>' in page.text


async def test_the_page_follows_them(alice: Browser, engine: Engine):
    billing, crm, _ = await dead_webhooks(engine)
    path = polled(
        await alice.get(f"/webhooks/{billing}"), f"/webhooks/{billing}/header"
    )
    assert (await alice.part(path)).status_code == 204
    await engine.activate(crm, "discard")
    words = seen(await alice.part(path))
    assert "1 other webhook to 127.0.0.1 fails too: Search (deactivated)." in words
    await engine.work()
