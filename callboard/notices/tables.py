from piccolo.columns import BigSerial, SmallInt, Text, Timestamptz, Varchar
from piccolo.table import Table


class Notice(Table):
    """One mail to one recipient: unique over (webhook, kind, occasion, recipient).

    Another index finds the latest by (webhook, recipient, id).
    `occasion`: the spell or the delivery that it tells of, so that it is told once.
    `recipient`: a member's id or an address. `facts`: JSON text, as things stood.
    `host`: of the receiver, where notices about several at one host go in one mail.
    `due`: when to try to send it next, null when it was sent or given up. `lease`: the
    worker that sends it now; it ends with the worker. `error`: why the latest try
    failed. `subject` and `text`: as it went out.
    """

    id = BigSerial(primary_key=True)
    account = Varchar(length=40)
    webhook = Varchar(length=40)
    kind = Varchar(length=16)
    occasion = Varchar(length=40)
    recipient = Varchar(length=254)
    address = Varchar(length=254)
    facts = Text()
    created_at = Timestamptz()
    due = Timestamptz(null=True, default=None)
    tries = SmallInt(default=0)
    sent_at = Timestamptz(null=True, default=None)
    error = Text(default="")
    subject = Text(default="")
    text = Text(default="")
    host = Varchar(length=255, default="")
    lease = Varchar(length=40, null=True, default=None)
