from piccolo.columns import BigSerial, Text, Timestamptz, Varchar
from piccolo.table import Table


class EventType(Table):
    """Unique over (account, name). `schema` and `sample` are JSON text or null.

    JSON text, too: `placeholders` (short name → path), `fields` (path → kind, see
    payload.shapes) and `kinds`, a list of the ways in which events of it are sent.
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
