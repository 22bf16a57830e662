"""The account's tree of context tags, read and written as a whole."""

from typing import Self

import msgspec
from litestar import Controller, get, put
from litestar.di import NamedDependency

from callboard.accounts.actor import Actor
from callboard.catalogue import contexts
from callboard.catalogue.contexts import Tag
from callboard.errors import raise_all
from web.api import bodies
from web.errors import AnyRequest

_BYTES = 4 * 1024 * 1024


class TagIn(msgspec.Struct, forbid_unknown_fields=True):
    """`parent`: the tag above it, null for the top."""

    tag: str
    parent: str | None = None


class TreeIn(msgspec.Struct, forbid_unknown_fields=True):
    tags: tuple[TagIn, ...]

    def to_command(self) -> list[Tag]:
        return [Tag(each.tag, each.parent) for each in self.tags]


class TagOut(msgspec.Struct):
    tag: str
    parent: str | None


class TreeOut(msgspec.Struct):
    """By the tags' names."""

    tags: list[TagOut]

    @classmethod
    def of(cls, tags: list[Tag]) -> Self:
        return cls([TagOut(each.tag, each.parent) for each in tags])


class ContextsController(Controller):
    path = "/contexts"
    tags = ("Context tags",)

    @get("/")
    async def show(self, account: NamedDependency[str]) -> TreeOut:
        """Which tag is below which."""
        return TreeOut.of(await contexts.listed(account))

    @put("/", opt={"takes": TreeIn})
    async def replace(self, request: AnyRequest, by: NamedDependency[Actor]) -> TreeOut:
        """Replaces the whole tree; webhooks follow it from the next event on."""

        async def judge(rest: TreeIn) -> None:
            raise_all(contexts.check(rest.to_command()))

        nothing = {"tags": ()}
        wanted = await bodies.take_judged(request, TreeIn, judge, nothing, _BYTES)
        return TreeOut.of(await contexts.replace(by, wanted.to_command()))
