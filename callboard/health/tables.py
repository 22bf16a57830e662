from piccolo.columns import (
    BigInt,
    Boolean,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table


class Health(Table):
    """How a webhook's receiver does; there is a row once a call has failed.

    A spell lasts from the first failed try (`since`, null between spells) to a success
    or an activation. `tries`: failed ones in it. `lost`: deliveries of which every try
    failed; `first_lost`: the oldest. `verdict`: why the webhook is to be deactivated.
    `told` and `reminded`: notices of this spell. `alarmed`: people believe that it
    fails, whatever the spell. `told_at`: when they last heard. `tests`: calls made
    from the link in the mail. The rest is of the latest failed try.
    """

    webhook = Varchar(length=40, primary_key=True)
    since = Timestamptz(null=True, default=None)
    tries = Integer(default=0)
    lost = Integer(default=0)
    first_lost = BigInt(null=True, default=None)
    verdict = Varchar(length=12, null=True, default=None)
    told = Boolean(default=False)
    told_at = Timestamptz(null=True, default=None)
    alarmed = Boolean(default=False)
    reminded = Boolean(default=False)
    tests = SmallInt(default=0)
    last_at = Timestamptz(null=True, default=None)
    last_status = SmallInt(null=True, default=None)
    last_error = Varchar(length=24, null=True, default=None)
    last_detail = Text(default="")
