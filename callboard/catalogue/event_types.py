"""The catalogue: which events there are, what is in them, what they look like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from piccolo.columns.combination import WhereRaw

from callboard.accounts import accounts, audit
from callboard.accounts.actor import Actor
from callboard.catalogue import presets, shapes
from callboard.catalogue.new_types import NewEventType, check
from callboard.catalogue.tables import EventType
from callboard.database import Database, writing
from callboard.errors import Conflict, NotFound, raise_all
from callboard.matching.patterns import compile_patterns
from callboard.paging import Page, decode_cursor, page_of
from callboard.payload import samples

# Not Piccolo's ilike: it warns on SQLite each time.
_SEARCHED = """lower(name || ' ' || "group" || ' ' || description) LIKE {}"""


@dataclass(frozen=True, slots=True)
class Installed:
    """What a ready catalogue added, and what was there already and stays as it is."""

    added: tuple[str, ...]
    present: tuple[str, ...]


async def create(by: Actor, new: NewEventType) -> EventType:
    raise_all(check(new))
    async with writing() as db:
        if not await _insert(by, new):
            text = f"There is an event type {new.name} already."
            raise Conflict(text, "name_taken")
        await _note(db, by, "event_type.created", new.name)
        if new.placeholders or new.fields:
            await shapes.changed(db, by.account)
        return await get(by.account, new.name)


async def change(by: Actor, name: str, new: NewEventType) -> EventType:
    """Everything but the name, which webhooks and senders know it by."""
    raise_all(check(new, name))
    async with writing() as db:
        row = await get(by.account, name)
        columns: dict[Any, Any] = {**_columns(new), "changed_at": by.now}
        await EventType.update(columns).where(EventType.id == row.id)
        await _note(db, by, "event_type.changed", name)
        before = row.placeholders, row.fields
        if before != (columns["placeholders"], columns["fields"]):
            await shapes.changed(db, by.account)
        return await get(by.account, name)


async def remove(by: Actor, name: str) -> None:
    """Conflict while webhooks name it; a pattern that matches it is no obstacle."""
    async with writing() as db:
        row = await get(by.account, name)
        if used := await _named_by(db, by.account, name):
            shown = ", ".join(used[:5]) + (", …" if len(used) > 5 else "")
            text = f"Webhooks still listen to {name}: {shown}. Change them first."
            raise Conflict(text, "in_use")
        await EventType.delete().where(EventType.id == row.id)
        await _note(db, by, "event_type.removed", name)


async def get(account: str, name: str) -> EventType:
    mine = (EventType.account == account) & (EventType.name == name)
    row = await EventType.objects().where(mine).first()
    if row is None:
        raise NotFound("There is no such event type.")
    return row


async def page(
    account: str, cursor: str | None = None, search: str = "", limit: int = 50
) -> Page[EventType]:
    """By name; `search` is looked for in names, groups and descriptions."""
    found = EventType.objects().where(EventType.account == account)
    if cursor:
        found = found.where(EventType.name > decode_cursor(cursor))
    if search:
        found = found.where(WhereRaw(_SEARCHED, f"%{search.lower()}%"))
    rows = await found.order_by(EventType.name).limit(limit + 1)
    return page_of(rows, limit, lambda row: row.name)


async def listed(account: str) -> list[EventType]:
    """All of them, by group and name: for pickers."""
    mine = EventType.objects().where(EventType.account == account)
    return await mine.order_by(EventType.group, EventType.name)


async def first_wanted(account: str, events: Sequence[str]) -> str | None:
    """The first type by name that a webhook with these patterns gets."""
    patterns = compile_patterns(events)
    rows = await EventType.select(EventType.name).where(EventType.account == account)
    names = sorted(row["name"] for row in rows)
    return next((name for name in names if patterns.matches(name)), None)


async def sample(account: str, name: str) -> Any:
    """Its own sample, or one made from its schema."""
    row = await get(account, name)
    return sample_of(row)


def sample_of(row: EventType) -> Any:
    return samples.sample(_value(row.sample), _value(row.schema))


async def install_preset(by: Actor, name: str) -> Installed:
    """Adds what is missing; types of the same name stay as they are."""
    preset = presets.load(name)
    added: list[str] = []
    present: list[str] = []
    async with writing() as db:
        for each in preset.event_types:
            is_new = await _insert(by, _from_preset(each))
            (added if is_new else present).append(each.name)
        if added:
            await _note(db, by, "preset.installed", name)
            await shapes.changed(db, by.account)
    return Installed(tuple(added), tuple(present))


async def _insert(by: Actor, new: NewEventType) -> bool:
    """False when the name is taken."""
    row = EventType(
        account=by.account,
        name=new.name,
        created_at=by.now,
        changed_at=by.now,
        **_columns(new),
    )
    return bool(await EventType.insert(row).on_conflict(action="DO NOTHING"))


def _columns(new: NewEventType) -> dict[str, Any]:
    return {
        "group": new.group.strip(),
        "description": new.description.strip(),
        "schema": new.schema,
        "sample": new.sample,
        "placeholders": _text(new.placeholders),
        "fields": _text(new.fields),
        "kinds": _text(new.kinds),
    }


async def _note(db: Database, by: Actor, act: str, subject: str) -> None:
    await audit.note(by, act, subject)
    await accounts.bump(db, by.account)


async def _named_by(db: Database, account: str, name: str) -> list[str]:
    """The names of the webhooks that list it; not their table, which stands above."""
    rows = await db.fetch(
        "SELECT name, events FROM webhook WHERE account = :account"
        " AND state <> 'deleted' AND events LIKE :like ORDER BY name",
        account=account,
        like=f'%"{name}"%',
    )
    # In LIKE, the underscore of a name stands for any character.
    return [row["name"] for row in rows if name in msgspec.json.decode(row["events"])]


def _from_preset(each: presets.PresetType) -> NewEventType:
    return NewEventType(
        name=each.name,
        group=each.group,
        description=each.description,
        schema=_text(each.schema),
        sample=_text(each.sample),
        placeholders=each.placeholders,
        fields=each.fields,
        kinds=each.kinds,
    )


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _value(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
