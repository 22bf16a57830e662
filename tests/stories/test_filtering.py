"""Only what the filters let pass is called out, as the vendors' documents have it."""

import asyncio

from callboard.catalogue import contexts
from callboard.catalogue.contexts import Tag
from callboard.ingest import Acceptor, NewEvent
from callboard.matching.context import Context, TagFilter
from callboard.matching.sending import USUAL, Sending
from tests.engine import TYPE, Engine


async def test_a_contacts_role_and_main_address_decide(engine: Engine):
    await engine.webhook("/south", filter="role=MEMBER;addresses(isMain).zipCode=13.*")
    await engine.webhook("/all")
    async with engine.working():
        for role, main, other in (
            ("MEMBER", "13002", "75001"),
            ("MEMBER", "75013", "75001"),
            ("MEMBER", "75001", "13002"),
            ("PUBLIC", "13002", "13002"),
        ):
            await engine.post(
                b'{"role": "%s", "addresses": [{"main": true, "zipCode": "%s"},'
                b' {"main": false, "zipCode": "%s"}]}'
                % (role.encode(), main.encode(), other.encode())
            )
        await engine.receiver.got(4, "/all")
        await engine.settled()
    (call,) = engine.receiver.at("/south")
    assert call.data["addresses"][0]["zipCode"] == "13002"


async def test_an_employee_of_a_region_below_the_chosen_one(engine: Engine):
    tree = [Tag("region.3"), Tag("region.7", "region.3")]
    await contexts.replace(engine.by, tree)
    region = TagFilter("region.3", include_children=True)
    only = TagFilter("region.3", include_children=False)
    active = {"status": "ACTIVE", "0": "lastName:isNotNull"}
    await engine.webhook("/below", context=Context((region,)), conditions=active)
    await engine.webhook("/exact", context=Context((only,)))
    await engine.webhook("/but", context=Context((region,), ("region.7",)))
    async with engine.working():
        for status in (b"TERMINATED", b"ACTIVE"):
            data = b'{"lastName": "Doe", "status": "%s"}' % status
            await engine.post(data, context=("region.7",))
        (call,) = await engine.receiver.got(1)
        await engine.settled()
    assert len(engine.receiver.calls) == 1
    assert (call.path, call.data["status"]) == ("/below", "ACTIVE")


async def test_a_bounce_by_how_its_message_was_sent(engine: Engine):
    many = Sending(kinds=("Newsletter",), modes=("batch", "campaign"))
    await engine.webhook("/usual", sending=USUAL)
    await engine.webhook("/many", sending=many)
    async with engine.working():
        await engine.post(b"1", sending="campaign", kind="Newsletter")
        await engine.post(b"2", sending="campaign", kind="Offers")
        await engine.post(b"3", sending="unitary", kind="Newsletter")
        await engine.post(b"4")
        await engine.receiver.got(4)
        await engine.settled()
    assert sorted(call.data for call in engine.receiver.at("/usual")) == [3, 4]
    assert sorted(call.data for call in engine.receiver.at("/many")) == [1, 4]


async def test_every_process_honours_a_change_from_its_next_event_on(engine: Engine):
    webhook = await engine.webhook(filter="role=MEMBER")
    others = [Acceptor(engine.ring) for _ in range(3)]
    event = NewEvent(TYPE, b'{"role": "PUBLIC"}')

    async def deliveries() -> list[int]:
        now = engine.runtime.clock()
        found = [each.accept(engine.account, [event], now) for each in others]
        return [receipt.deliveries for (receipt,) in await asyncio.gather(*found)]

    assert await deliveries() == [0, 0, 0]
    await engine.change(webhook, filter="role=PUBLIC")
    assert await deliveries() == [1, 1, 1]
    await engine.change(webhook, filter="", conditions={"role:not": "PUBLIC"})
    assert await deliveries() == [0, 0, 0]
    await engine.work()
