from piccolo.columns import BigSerial, Text, Timestamptz, Varchar
from piccolo.table import Table


class EventType(Table):
    """Unique over (account, name). `schema` and `sample` are JSON text or null.

    JSON text, too: `placeholders` (short name → path), `fields` (path → kind, see
    payload.shapes) and `kinds`, a list of the kinds of messages its events are about.
    """

    id = BigSerial(primary_key=True)
    account = Varchar(length=40)
    name = Varchar(length=128)
    group = Varchar(length=80)
    description = Text()
    schema = Text(null=True, default=None)
    sample = Text(null=True, default=None)
    placeholders = Text(default="{}")
    fields = Text(default="{}")
    kinds = Text(default="[]")
    created_at = Timestamptz()
    changed_at = Timestamptz()


class ContextTag(Table):
    """A place in the account's tree of context tags. Unique over (account, tag)."""

    id = BigSerial(primary_key=True)
    account = Varchar(length=40)
    tag = Varchar(length=128)
    parent = Varchar(length=128, null=True, default=None)
