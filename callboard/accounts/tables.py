from piccolo.columns import BigInt, BigSerial, Text, Timestamptz, Varchar
from piccolo.table import Table


class Account(Table):
    """`version` moves with every change of a webhook or an event type. `defaults`: of
    new webhooks, JSON text, empty where nobody has set any."""

    id = Varchar(length=40, primary_key=True)
    name = Varchar(length=120)
    version = BigInt(default=1)
    defaults = Text(default="")
    created_at = Timestamptz()


class Member(Table):
    """`email` is lower case and unique over all accounts: it is what one signs in with.

    `password_hash` is empty until an invited member has chosen a password.
    """

    id = Varchar(length=40, primary_key=True)
    account = Varchar(length=40, index=True)
    email = Varchar(length=254, unique=True)
    name = Varchar(length=120)
    role = Varchar(length=12)
    password_hash = Varchar(length=255)
    created_at = Timestamptz()


class Session(Table):
    """`token_hash`: SHA-256 of the cookie, so that a stolen copy signs nobody in."""

    id = Varchar(length=40, primary_key=True)
    token_hash = Varchar(length=64, unique=True)
    account = Varchar(length=40)
    member = Varchar(length=40, index=True)
    user_agent = Varchar(length=255)
    created_at = Timestamptz()
    seen_at = Timestamptz()
    expires_at = Timestamptz()


class ApiKey(Table):
    """`secret_hash`: SHA-256 of the key; `hint`: its first characters."""

    id = Varchar(length=40, primary_key=True)
    account = Varchar(length=40, index=True)
    name = Varchar(length=120)
    hint = Varchar(length=16)
    secret_hash = Varchar(length=64, unique=True)
    scopes = Varchar(length=255)
    created_by = Varchar(length=254)
    created_at = Timestamptz()
    used_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)


class OneTimeLink(Table):
    """Makes the first owner (`member` is empty) or lets an invited member in."""

    token_hash = Varchar(length=64, primary_key=True)
    account = Varchar(length=40)
    member = Varchar(length=40)
    created_at = Timestamptz()
    expires_at = Timestamptz()
    used_at = Timestamptz(null=True, default=None)


class AuditEntry(Table):
    """Who did what to which thing; `detail` never holds a secret."""

    id = BigSerial(primary_key=True)
    account = Varchar(length=40, index=True)
    actor = Varchar(length=254)
    act = Varchar(length=60)
    subject = Varchar(length=140)
    detail = Text()
    at = Timestamptz()
