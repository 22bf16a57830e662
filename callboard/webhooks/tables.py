from piccolo.columns import (
    Boolean,
    DoublePrecision,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table


class Webhook(Table):
    """Where to call, for which events, and whom to alert.

    Columns that hold lists or objects are JSON text. `secrets` is a JSON list of sealed
    signing keys, the newest first, each with the time until it signs; the secret in
    `auth` is sealed, too.
    `version` moves with every change, so that a sender knows when its copy is old.
    `cause`: why the rule has deactivated it; null where it has not. `delivery`: its
    scheduled runs, null where it delivers at once.
    """

    id = Varchar(length=40, primary_key=True)
    account = Varchar(length=40, index=True)
    name = Varchar(length=120)
    app = Varchar(length=80)
    state = Varchar(length=12)
    state_since = Timestamptz()
    version = Integer(default=1)
    url = Text()
    method = Varchar(length=8)
    payload = Text(default="{}")
    events = Text()
    filter = Text()
    conditions = Text(default="{}")
    context = Text(default="{}")
    sending = Text(default="{}")
    headers = Text()
    auth = Text(default='{"type":"none"}')
    signing = Varchar(length=20)
    signature_header = Varchar(length=100)
    secrets = Text()
    success = Varchar(length=120)
    schedule = Text()
    delivery = Text(default="null")
    timeout = Integer()
    rate_per_second = DoublePrecision(null=True, default=None)
    concurrency = Integer()
    ordered = Boolean()
    hold_days = Integer()
    deactivate_after = Integer(null=True, default=1)
    cause = Varchar(length=12, null=True, default=None)
    recipients = Text()
    notify = Text(default='["failing","deactivated","reminder","recovered"]')
    created_at = Timestamptz()
    changed_at = Timestamptz()
