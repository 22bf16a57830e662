from piccolo.columns import (
    BigInt,
    Boolean,
    DoublePrecision,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table


class Replay(Table):
    """Many deliveries made again, as one job that outlives the processes.

    The selection is fixed when it starts: `names` are the event types that `types` came
    to then (JSON; null for any), nothing ended after `created_at` or sorting behind
    `upto` belongs to it. `cursor`: the last that was looked at; both are ids of
    deliveries, or of events where `missing`.
    `made` deliveries so far; those that have ended are counted in `delivered` and so
    on, the others stand in `replay_delivery`. `size`: how many may wait at once; grows
    and shrinks with what the receiver takes. `next_at`: when to look again; null when
    nothing is left to do.
    Indexes: (account, id), (webhook), and (next_at) where it is not null.
    """

    id = Varchar(length=40, primary_key=True)
    account = Varchar(length=40)
    webhook = Varchar(length=40, index=True)
    state = Varchar(length=12)
    states = Text()
    types = Text()
    names = Text(null=True, default=None)
    since = Timestamptz(null=True, default=None)
    until = Timestamptz(null=True, default=None)
    missing = Boolean()
    upto = Varchar(length=40)
    cursor = Varchar(length=40, default="")
    exhausted = Boolean(default=False)
    total = Integer()
    made = Integer(default=0)
    delivered = Integer(default=0)
    failed = Integer(default=0)
    expired = Integer(default=0)
    cancelled = Integer(default=0)
    forgotten = Integer(default=0)
    size = Integer(default=1)
    rate = DoublePrecision(null=True, default=None)
    tokens = DoublePrecision(default=1.0)
    tokens_at = Timestamptz()
    next_at = Timestamptz(null=True, default=None)
    created_by = Varchar(length=254)
    created_at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None)


class ReplayDelivery(Table):
    """A delivery that a replay has made and that has not ended yet.

    Index (replay, delivery).
    """

    delivery = BigInt(primary_key=True)
    replay = Varchar(length=40)
