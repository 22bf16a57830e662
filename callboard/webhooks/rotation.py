"""New signing keys in place of old ones, which sign on for a while.

How both sign meanwhile: see callboard/signing/keyring.py.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from callboard.accounts import accounts, audit
from callboard.accounts.actor import Actor
from callboard.database import Database, writing
from callboard.errors import Conflict, Problem, raise_all
from callboard.signing.keyring import NEXT
from callboard.signing.public import PublicKey
from callboard.signing.schemes import Scheme
from callboard.vault import Vault
from callboard.webhooks import turn, webhooks
from callboard.webhooks.checking import check_key
from callboard.webhooks.secrets import (
    SealedSecret,
    make,
    read_secrets,
    seal,
    write_secrets,
)
from callboard.webhooks.tables import Webhook

MOST_KEYS = 5
LONGEST_OVERLAP = 720  # hours


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`header`: where it signs now. `until`: it signs no longer, None for without end.

    `takes_over`: from when on it signs in the webhook's usual header.
    """

    header: str
    made_at: datetime | None
    until: datetime | None
    takes_over: datetime | None
    public: PublicKey | None


def signing_keys(row: Webhook, now: datetime) -> list[SigningKey]:
    """Those that sign now, the newest first."""
    scheme = Scheme(row.signing)
    header = row.signature_header or scheme.usual_header
    good = [each for each in read_secrets(row.secrets) if each.is_good(now)]
    waits = len(good) > 1 and not scheme.is_standard
    return [
        SigningKey(
            header=header + NEXT if waits and place == 0 else header,
            made_at=each.made_at,
            until=each.until,
            takes_over=good[-1].until if waits and place == 0 else None,
            public=each.public,
        )
        for place, each in enumerate(good)
    ]


async def overlap_of(
    account: str, id: str, hours: float, brought: str | None
) -> timedelta:
    """How long the old key signs on. Raises Invalid, also for the key that is to
    follow: all problems at once."""
    row = await webhooks.get(account, id)
    problems = check_key(Scheme(row.signing), brought)
    if not 0 <= hours <= LONGEST_OVERLAP:
        text = f"Give 0 to {LONGEST_OVERLAP} hours."
        problems.append(Problem("overlap_hours", "out_of_range", text))
    raise_all(problems)
    return timedelta(hours=hours)


async def rotate(
    by: Actor, id: str, vault: Vault, until: datetime, brought: str | None = None
) -> str | None:
    """A new key, made or brought; the one in use signs beside it until `until`.

    Returns the secret that is shown this once, None where its public half is enough.
    """
    scheme = _scheme_of(await webhooks.get(by.account, id))
    raise_all(check_key(scheme, brought))
    text = await make(scheme, brought)
    assert text is not None
    async with writing() as db:
        await accounts.bump(db, by.account)
        row = await webhooks.get(by.account, id)
        if row.signing != scheme:
            raise Conflict("Somebody else has changed this webhook just now.")
        kept = _signing_on(scheme, read_secrets(row.secrets), until, by.now)
        new = seal(scheme, text, id, vault, by.now)
        await _keep(db, id, [new, *kept])
        await audit.note(by, "webhook.secret_rotated", id)
    return text if scheme.shares_secret else None


async def end_overlap(by: Actor, id: str) -> None:
    """The newest key alone signs from now on."""
    async with writing() as db:
        await accounts.bump(db, by.account)
        row = await webhooks.get(by.account, id)
        all = read_secrets(row.secrets)
        if not any(each.is_good(by.now) for each in all[1:]):
            return
        await _keep(db, id, all[:1])
        await audit.note(by, "webhook.overlap_ended", id)


async def reveal(by: Actor, id: str, vault: Vault) -> list[str]:
    """The secrets that sign, the newest first; that somebody read them is kept."""
    async with writing():
        found = opened(await webhooks.get(by.account, id), vault, by.now)
        await audit.note(by, "webhook.secret_revealed", id)
    return found


def opened(row: Webhook, vault: Vault, now: datetime) -> list[str]:
    """The same without a note: for those who have just made one, or asked for them."""
    if not _scheme_of(row).shares_secret:
        raise Conflict(
            "A private key never leaves Callboard:"
            " receivers need its public half, which anyone may see."
        )
    return [
        vault.unseal(each.sealed, row.id)
        for each in read_secrets(row.secrets)
        if each.is_good(now)
    ]


def _scheme_of(row: Webhook) -> Scheme:
    scheme = Scheme(row.signing)
    if scheme is Scheme.NONE:
        raise Conflict("Its calls are not signed: choose a signature for it first.")
    return scheme


def _signing_on(
    scheme: Scheme, old: list[SealedSecret], until: datetime, now: datetime
) -> list[SealedSecret]:
    """No key's end moves back. Where a header takes one signature, the key that signs
    in it stays there, and one that was waiting to follow it never will."""
    if until <= now:
        return []
    good = [each for each in old if each.is_good(now)]
    staying = good if scheme.is_standard else good[-1:]
    if len(staying) >= MOST_KEYS:
        text = f"{MOST_KEYS} keys sign already: end the overlap of the old ones first."
        raise Conflict(text)
    return [
        msgspec.structs.replace(each, until=min(each.until or until, until))
        for each in staying
    ]


async def _keep(db: Database, id: str, secrets: list[SealedSecret]) -> None:
    await Webhook.update({Webhook.secrets: write_secrets(secrets)}).where(
        Webhook.id == id
    )
    await turn.touch(db, id)
