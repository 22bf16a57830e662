"""What a worker does with the mails that wait."""

from datetime import datetime, timedelta
from pathlib import Path

from callboard.database import writing
from callboard.delivery.workers import Watch, bury
from callboard.notices import posting
from callboard.notices.mailer import Mailer
from callboard.notices.postman import Postman
from tests.cast import Person
from tests.engine import Engine

AT_ONCE = timedelta()


async def post_mail(engine: Engine, to: Person) -> None:
    async with writing() as db:
        await posting.post_test(db, to.member, engine.runtime.clock())


def postman(
    engine: Engine,
    smtp_url: str | None,
    outbox: Path,
    later: timedelta = AT_ONCE,
    worker: str = "wrk_mails",
) -> Postman:
    """Of a worker that others have to know of before it sends anything."""

    def clock() -> datetime:
        return engine.runtime.clock() + later

    mailer = Mailer(smtp_url, "hooks@example.org", outbox)
    return Postman(worker, mailer, engine.runtime.links, clock)


async def send_mails(
    engine: Engine, smtp_url: str | None, outbox: Path, later: timedelta = AT_ONCE
) -> None:
    """By a worker that ends then."""
    await Watch("wrk_mails").beat(engine.runtime.clock())
    await postman(engine, smtp_url, outbox, later).send_due()
    await bury("wrk_mails", engine.runtime.clock())
