from piccolo.columns import BigSerial, Text, Timestamptz, Varchar
from piccolo.table import Table


class EventType(Table):
    """Unique over (account, name). `schema` and `sample` are JSON text or null."""

    id = BigSerial(primary_key=True)
    account = Varchar(length=40)
    name = Varchar(length=128)
    group = Varchar(length=80)
    description = Text()
    schema = Text(null=True, default=None)
    sample = Text(null=True, default=None)
    created_at = Timestamptz()
    changed_at = Timestamptz()
