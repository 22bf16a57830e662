"""The account's tree of context tags: which is below which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callboard.accounts import accounts, audit
from callboard.accounts.actor import Actor
from callboard.catalogue.tables import ContextTag
from callboard.database import Rows, writing
from callboard.errors import Problem, raise_all
from callboard.matching.context import check_tree

MOST_TAGS = 10_000


@dataclass(frozen=True, slots=True)
class Tag:
    """`parent`: the tag above, which need not be listed itself; None for a root."""

    tag: str
    parent: str | None = None


async def listed(account: str) -> list[Tag]:
    """By their names."""
    rows = await ContextTag.select(ContextTag.tag, ContextTag.parent).where(
        ContextTag.account == account
    )
    found = (Tag(row["tag"], row["parent"]) for row in rows)
    return sorted(found, key=lambda tag: tag.tag)


async def parents(account: str) -> Mapping[str, str]:
    return {each.tag: each.parent for each in await listed(account) if each.parent}


async def replace(by: Actor, tags: Sequence[Tag]) -> list[Tag]:
    """The whole tree. Raises Invalid with every problem."""
    raise_all(check(tags))
    rows = sorted((by.account, each.tag, each.parent) for each in tags)
    columns = {"account": "text", "tag": "text", "parent": "text"}
    async with writing() as db:
        await accounts.bump(db, by.account)
        await ContextTag.delete().where(ContextTag.account == by.account)
        if rows:
            await db.insert("context_tag", Rows(columns, rows))
        await audit.note(by, "contexts.changed", detail=f"{len(rows)} tags")
    return await listed(by.account)


def check(tags: Sequence[Tag]) -> list[Problem]:
    if len(tags) > MOST_TAGS:
        return [Problem("tags", "too_many", f"List at most {MOST_TAGS} tags.")]
    return check_tree(((each.tag, each.parent) for each in tags), "tags")
