"""New signing secrets in place of old ones, which sign on for a while."""

from datetime import datetime
from typing import Any

import msgspec

from callboard.accounts import accounts, audit
from callboard.database import writing
from callboard.signing import secrets as standard_secrets
from callboard.vault import Vault
from callboard.webhooks import turn, webhooks
from callboard.webhooks.secrets import read_secrets, seal, seal_secrets
from callboard.webhooks.tables import Webhook


async def rotate(
    account: str, actor: str, id: str, vault: Vault, until: datetime, now: datetime
) -> str:
    """A new secret, shown this once; the one in use signs beside it until `until`.

    A webhook that did not sign its calls does so from now on.
    """
    secret = standard_secrets.generate()
    async with writing() as db:
        await accounts.bump(db, account)
        row = await webhooks.get(account, id)
        kept = [
            msgspec.structs.replace(each, until=each.until or until)
            for each in read_secrets(row.secrets)
            if each.until is None or each.until > now
        ]
        sealed = seal_secrets([seal(secret, id, vault), *kept])
        changes: dict[Any, Any] = {"secrets": sealed, "signing": "standard"}
        await Webhook.update(changes).where(Webhook.id == id)
        await audit.note(account, actor, "webhook.secret_rotated", id, "", now)
        await turn.touch(db, id)
    return secret
