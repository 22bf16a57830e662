"""The ledger's tables. No foreign keys: on the hot path each would cost a look-up."""

from piccolo.columns import (
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    DoublePrecision,
    Integer,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table


class Event(Table):
    """One thing that happened. Unique over (account, key); listed by (account, id).

    `data` is the sender's JSON text, byte for byte. `deliveries` is the number that the
    receipt named, which the ledger check compares with the rows.
    """

    id = Varchar(length=40, primary_key=True)
    account = Varchar(length=40)
    key = Varchar(length=256, null=True, default=None)
    type = Varchar(length=128)
    data = Text()
    context = Text()
    sending = Varchar(length=12, null=True, default=None)
    kind = Varchar(length=80, null=True, default=None)
    occurred_at = Timestamptz()
    accepted_at = Timestamptz()
    deliveries = Integer()


class Delivery(Table):
    """One event on its way to one webhook.

    `seq` gives the order within a webhook and the public id. `due`: when to call next,
    while pending; null where it waits for a scheduled run, or goes with another one of
    its `bucket`. `lease`: the worker and claim that hold it now. `planned`: the plan's
    next time, put aside while a person's own try goes first. `extra`: made on request,
    beyond those that the event's receipt named. `record`: which one the event tells
    of, where only the latest event of each is sent. `run`: the latest that took it.
    `bucket`: the call that it shares with others of that run.
    Indexes: (event), (account, seq), (webhook, seq), and partial ones: (webhook, due,
    seq) over what is pending, (webhook, seq) over what waits, (webhook, seq) and
    (webhook, held_until) over what is held, (account, seq) over what ended badly,
    (run), (bucket) and (webhook, record, seq) where these are known. None leads with
    `due`; none covers `lease`: a claim touches no index.
    """

    seq = BigSerial(primary_key=True)
    event = Varchar(length=40)
    account = Varchar(length=40)
    webhook = Varchar(length=40)
    state = Varchar(length=12)
    reason = Varchar(length=120, null=True, default=None)
    due = Timestamptz(null=True, default=None)
    trigger = Varchar(length=8, default="plan")
    planned = Timestamptz(null=True, default=None)
    tries = SmallInt(default=0)
    attempts = SmallInt(default=0)
    lease = Varchar(length=60, null=True, default=None)
    held_until = Timestamptz(null=True, default=None)
    repeats = BigInt(null=True, default=None)
    extra = Boolean()
    status = SmallInt(null=True, default=None)
    error = Varchar(length=24, null=True, default=None)
    created_at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None)
    record = Varchar(length=200, null=True, default=None)
    run = BigInt(null=True, default=None)
    bucket = Varchar(length=40, null=True, default=None)


class Attempt(Table):
    """One call of a delivery: index (delivery, number). Headers are JSON text.

    `request_body` is null where the event makes it again (the standard body).
    `lead`: the delivery that keeps the body of a call which carried several.
    """

    id = BigSerial(primary_key=True)
    delivery = BigInt()
    number = SmallInt()
    trigger = Varchar(length=8)
    started_at = Timestamptz()
    seconds = DoublePrecision()
    phases = Text()
    status = SmallInt(null=True, default=None)
    error = Varchar(length=24, null=True, default=None)
    detail = Text()
    method = Varchar(length=8)
    url = Text()
    request_headers = Text()
    request_body = Bytea(null=True, default=None)
    response_headers = Text()
    response_body = Bytea()
    truncated = Boolean()
    lead = BigInt(null=True, default=None)


class Turn(Table):
    """A webhook's place in the claim: its caps, and when it wants to be looked at.

    `leased`: calls in flight over all workers; `slots`: how many it may have now, which
    starts at 1 and doubles with each quick answer up to `cap`. `next_due`: no delivery
    of it is due before; null when none waits. `empty_looks`: how often in a row a look
    found nothing. `served`: microseconds, the longest unserved goes first.
    `follow`: what its waiting rows must still do after a change of state. It is not
    open before those that failed since the last success (`salvages_after`), from
    `salvages_from` on, are held. Those before `discards_to` are to be discarded.
    The gap, from `gap_from` up to `gap_to`, is what waited when it was activated, and
    had not all been put on hold: until it is let go, from the oldest on, there are
    calls on both sides of it, and none in it.
    `succeeded_at`: when the latest success ended. `failing`: the next one ends
    something, so whoever records it looks at the webhook's health. `bulk`: nobody waits
    for most of what was claimed last, or for what woke it since (see delivery.bulk).
    """

    webhook = Varchar(length=40, primary_key=True)
    account = Varchar(length=40)
    version = Integer()
    open = Boolean()
    lane = Varchar(length=8)
    ordered = Boolean()
    cap = Integer()
    slots = Integer()
    leased = Integer(default=0)
    next_due = Timestamptz(null=True, default=None)
    empty_looks = SmallInt(default=0)
    served = BigInt(default=0)
    rate = DoublePrecision(null=True, default=None)
    tokens = DoublePrecision(default=0.0)
    tokens_at = Timestamptz()
    follow = Varchar(length=8, null=True, default=None)
    salvages_from = BigInt(null=True, default=None)
    salvages_after = Timestamptz(null=True, default=None)
    discards_to = BigInt(null=True, default=None)
    gap_from = BigInt(default=0)
    gap_to = BigInt(default=0)
    succeeded_at = Timestamptz(null=True, default=None)
    failing = Boolean(default=False)
    bulk = Boolean(default=False)


class Schedule(Table):
    """When a webhook's next scheduled run is: null while it delivers at once.

    `planned_at`: when that was settled. `looked_at`: when a run last looked for what
    waits. `going`: the run that is under way; there is none beside it.
    """

    webhook = Varchar(length=40, primary_key=True)
    next_run = Timestamptz(null=True, default=None)
    planned_at = Timestamptz()
    looked_at = Timestamptz(null=True, default=None)
    going = BigInt(null=True, default=None)


class Run(Table):
    """A scheduled run that found something: index (webhook, id).

    `hand`: a person asked for it. `taken`: deliveries, in `calls` calls; `waiting`:
    those that it left for the next one; `superseded`: those a newer event stands for.
    The rest is known at its end: `again` are tried in a later run.
    """

    id = BigSerial(primary_key=True)
    webhook = Varchar(length=40)
    hand = Boolean()
    started_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
    taken = Integer(default=0)
    calls = Integer(default=0)
    waiting = Integer(default=0)
    superseded = Integer(default=0)
    delivered = Integer(default=0)
    again = Integer(default=0)
    failed = Integer(default=0)


class Tally(Table):
    """What came of a webhook's calls in five minutes: unique over (webhook, bucket).

    Written with the attempts, so that no page ever counts them.
    """

    id = BigSerial(primary_key=True)
    account = Varchar(length=40)
    webhook = Varchar(length=40)
    bucket = Timestamptz()
    delivered = Integer()
    failed = Integer()
    tried_again = Integer()


class Worker(Table):
    """`beat` grows each second; a worker whose beat stands still for 10 s has died.
    `calls_per_host`: it never has more calls to one host in flight."""

    id = Varchar(length=40, primary_key=True)
    beat = BigInt(default=0)
    started_at = Timestamptz()
    beat_at = Timestamptz()
    calls_per_host = Integer(default=0)
