"""Things that tests need, with everything that does not matter filled in."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from callboard import ids
from callboard.accounts.tables import Account, Member
from callboard.catalogue.tables import EventType
from callboard.delivery.calls.targets import Target, composer_of, target_of
from callboard.runtime import Runtime
from callboard.signing.keyring import UNSIGNED
from callboard.webhooks.settings import NewWebhook
from callboard.webhooks.tables import Webhook

# On the second, so that both engines give back the same time.
NOW = datetime.now(UTC).replace(microsecond=0)
PASSWORD = "correct horse battery"
# Argon2id of PASSWORD with few rounds: tests make many members.
PASSWORD_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$VPOF+luZSCOAQ"
    "/89s4mt/A$N+7dFuwlhWQ3mLQ4dWLtmXjx+bnO6QxAezYUlGtskEw"
)


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)


async def member(account: str, email: str, role: str = "member") -> Member:
    made = Member(
        id=ids.make("mem", NOW),
        account=account,
        email=email,
        name=email.partition("@")[0].title(),
        role=role,
        password_hash=PASSWORD_HASH,
        created_at=NOW,
    )
    await Member.insert(made)
    return made


async def event_type(account: str, name: str, schema: object = None) -> EventType:
    made = EventType(
        account=account,
        name=name,
        group="",
        description="",
        schema=None if schema is None else json.dumps(schema),
        sample=None,
        created_at=NOW,
        changed_at=NOW,
    )
    await EventType.insert(made)
    # Those who accept events look at the version to know when to read again.
    await Account.update({Account.version: Account.version + 1}).where(
        Account.id == account
    )
    return made


def changed(runtime: Runtime, **parts: Any) -> Runtime:
    """The runtime with some parts exchanged for doubles."""
    return replace(runtime, **parts)


async def webhook(account: str, name: str, events: list[str]) -> str:
    """A draft's row as it stands in the database; its id."""
    made = Webhook(
        id=ids.make("wh", NOW),
        account=account,
        name=name,
        app="",
        state="draft",
        state_since=NOW,
        url="http://127.0.0.1:9/",
        method="POST",
        events=json.dumps(events),
        headers="{}",
        signing="none",
        signature_header="",
        secrets="[]",
        success='"2xx"',
        schedule="[]",
        timeout=15,
        concurrency=10,
        ordered=False,
        hold_days=5,
        recipients="[]",
        created_at=NOW,
        changed_at=NOW,
    )
    await Webhook.insert(made)
    return made.id


async def delete_webhook(id: str) -> None:
    await Webhook.update({Webhook.state: "deleted"}).where(Webhook.id == id)


def target(new: NewWebhook, webhook: str = "wh_1", version: int = 1) -> Target:
    """As a sender has it, unsigned; nothing of it is in the database."""
    composer = composer_of(new, "acc_1", {})
    return target_of(new, composer, UNSIGNED, webhook, version)
