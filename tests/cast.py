"""alice owns the account, bob is a member of it, charlie is a stranger."""

from dataclasses import dataclass
from datetime import datetime

from callboard.accounts import accounts, keys
from callboard.accounts.actor import Actor
from callboard.accounts.tables import Member
from tests import make


@dataclass(frozen=True)
class Person:
    member: Member
    key: str

    @property
    def account(self) -> str:
        return self.member.account

    def at(self, now: datetime) -> Actor:
        return Actor(self.account, self.member.email, now)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@dataclass(frozen=True)
class Cast:
    alice: Person
    bob: Person
    charlie: Person


async def make_cast() -> Cast:
    ours = (await accounts.add("Acme", make.NOW)).id
    theirs = (await accounts.add("Elsewhere", make.later(seconds=1))).id
    return Cast(
        await person(ours, "alice@acme.example", "owner"),
        await person(ours, "bob@acme.example", "member"),
        await person(theirs, "charlie@elsewhere.example", "owner"),
    )


async def person(account: str, email: str, role: str, *scopes: str) -> Person:
    member = await make.member(account, email, role)
    by = Actor(account, email, make.NOW)
    _, secret = await keys.create(by, "tests", scopes)
    return Person(member, secret)
