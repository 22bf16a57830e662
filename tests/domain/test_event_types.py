"""The catalogue: which events there may be."""

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest

from callboard.accounts import audit
from callboard.accounts.actor import Actor
from callboard.accounts.tables import Account
from callboard.catalogue import event_types, new_types, presets
from callboard.catalogue.new_types import NewEventType
from callboard.errors import Conflict, Invalid, NotFound
from tests import make
from tests.cast import Cast
from tests.make import NOW, later

SCHEMA = '{"type": "object", "required": ["id"]}'


@pytest.fixture
def ours(cast: Cast) -> str:
    return cast.alice.account


async def create(account: str, name: str = "contact.created", **rest: Any):
    return await event_types.create(by(account), NewEventType(name=name, **rest))


def by(account: str, now: datetime = NOW) -> Actor:
    return Actor(account, "somebody", now)


async def version(account: str) -> int:
    found = await Account.objects().get(Account.id == account)
    assert found
    return found.version


def fields(error: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in error.value.problems]


async def test_a_type_is_kept_as_given(ours: str):
    before = await version(ours)
    made = await create(
        ours, group=" Contacts ", description="New.", schema=SCHEMA, sample='{"id": 1}'
    )
    assert (made.group, made.description) == ("Contacts", "New.")
    assert (made.schema, made.sample) == (SCHEMA, '{"id": 1}')
    assert await version(ours) > before
    assert (await audit.page(ours)).items[0].act == "event_type.created"


async def test_a_name_is_there_once_in_an_account(ours: str, cast: Cast):
    ends = await asyncio.gather(create(ours), create(ours), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["Conflict", "EventType"]
    await create(cast.charlie.account)


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        pytest.param({"name": "a b"}, [("name", "name")], id="name"),
        pytest.param({"name": "a.*"}, [("name", "name")], id="pattern"),
        pytest.param({"group": "x" * 81}, [("group", "too_long")], id="group"),
        pytest.param({"description": "\0"}, [("description", "nul")], id="NUL"),
        pytest.param({"schema": "{"}, [("schema", "json")], id="schema no JSON"),
        pytest.param(
            {"schema": '{"type": 1}'}, [("schema/type", "anyOf")], id="schema"
        ),
        pytest.param({"sample": "{"}, [("sample", "json")], id="sample no JSON"),
        pytest.param({"sample": "[" * 9999}, [("sample", "json")], id="sample deep"),
        pytest.param(
            {"sample": '"' + "x" * 300_000 + '"'}, [("sample", "too_long")], id="long"
        ),
        pytest.param(
            {"schema": SCHEMA, "sample": "{}"}, [("sample", "required")], id="misfit"
        ),
        pytest.param(
            {"name": "", "sample": "{", "group": "x" * 81},
            [("name", "name"), ("group", "too_long"), ("sample", "json")],
            id="all at once",
        ),
    ],
)
async def test_what_breaks_the_rules(
    ours: str, wrong: dict[str, str], found: list[Any]
):
    with pytest.raises(Invalid) as error:
        await create(ours, **wrong)
    names = [name for name, _ in fields(error)]
    assert names == [name for name, _ in found]


async def test_a_change_replaces_everything_but_the_name(ours: str):
    await create(ours, group="A", schema=SCHEMA)
    before = await version(ours)
    new = NewEventType(name="contact.created", description="Other.")
    changed = await event_types.change(
        by(ours, later(minutes=1)), "contact.created", new
    )
    assert (changed.group, changed.description) == ("", "Other.")
    assert not changed.schema
    assert changed.changed_at == later(minutes=1)
    assert await version(ours) > before
    other = NewEventType(name="contact.made")
    with pytest.raises(Invalid) as error:
        await event_types.change(by(ours), "contact.created", other)
    assert fields(error) == [("name", "changed")]


async def test_a_type_that_webhooks_name_stays(ours: str, cast: Cast):
    await create(ours, "contact_created")
    await make.webhook(cast.charlie.account, "theirs", ["contact_created"])
    await make.webhook(ours, "by pattern", ["*", "contactXcreated"])
    crm = await make.webhook(ours, "CRM sync", ["x", "contact_created"])
    with pytest.raises(Conflict) as error:
        await event_types.remove(by(ours), "contact_created")
    assert "CRM sync" in error.value.message
    assert "by pattern" not in error.value.message
    await make.delete_webhook(crm)
    await event_types.remove(by(ours), "contact_created")
    with pytest.raises(NotFound):
        await event_types.get(ours, "contact_created")


async def test_pages_go_by_name_and_search(ours: str, cast: Cast):
    for name in ("b.two", "a.one", "c.three"):
        await create(ours, name, group="G" if name == "c.three" else "")
    await create(cast.charlie.account, "a.zero")
    first = await event_types.page(ours, limit=2)
    assert [each.name for each in first.items] == ["a.one", "b.two"]
    rest = await event_types.page(ours, first.next, limit=2)
    assert ([each.name for each in rest.items], rest.next) == (["c.three"], None)
    for search in ("THREE", "g"):
        found = await event_types.page(ours, search=search)
        assert [each.name for each in found.items] == ["c.three"]


async def test_a_sample_is_its_own_or_made_from_the_schema(ours: str):
    await create(ours, "a", schema=SCHEMA, sample='{"id": 7}')
    properties = '{"type": "object", "properties": {"on": {"type": "boolean"}}}'
    await create(ours, "b", schema=properties)
    await create(ours, "c")
    samples = [await event_types.sample(ours, name) for name in "abc"]
    assert samples == [{"id": 7}, {"on": True}, {}]


async def test_a_preset_adds_what_is_missing(ours: str):
    name = presets.names()[0]
    wanted = [each.name for each in presets.load(name).event_types]
    await create(ours, wanted[0], description="Mine.")
    first = await event_types.install_preset(by(ours), name)
    assert (list(first.added), list(first.present)) == (wanted[1:], wanted[:1])
    assert (await event_types.get(ours, wanted[0])).description == "Mine."
    again = await event_types.install_preset(by(ours), name)
    assert (again.added, list(again.present)) == ((), wanted)


@pytest.mark.parametrize("name", presets.names())
async def test_what_a_preset_adds_could_have_been_made_by_hand(ours: str, name: str):
    installed = await event_types.install_preset(by(ours), name)
    rows = await event_types.listed(ours)
    assert {row.name for row in rows} == {*installed.added}
    for row in rows:
        by_hand = NewEventType(
            name=row.name,
            group=row.group,
            description=row.description,
            schema=row.schema,
            sample=row.sample,
            placeholders=json.loads(row.placeholders),
            fields=json.loads(row.fields),
            kinds=tuple(json.loads(row.kinds)),
        )
        assert new_types.check(by_hand) == []


async def test_charlie_reaches_none_of_ours(ours: str, cast: Cast):
    await create(ours)
    theirs, name = cast.charlie.account, "contact.created"
    for act in (
        event_types.get(theirs, name),
        event_types.sample(theirs, name),
        event_types.change(by(theirs), name, NewEventType(name=name)),
        event_types.remove(by(theirs), name),
    ):
        with pytest.raises(NotFound):
            await act
    assert (await event_types.page(theirs)).items == []
