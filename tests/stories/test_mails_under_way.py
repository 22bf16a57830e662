"""A mail belongs to the worker that sends it, for as long as that lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from callboard.database import AWAY
from callboard.delivery.workers import Watch, bury
from callboard.notices.tables import Notice
from tests.cast import Cast
from tests.engine import Engine, cancelled, eventually
from tests.mailboxes import Mailboxes, hanging_server, receiving_mail
from tests.posting import post_mail, postman, send_mails
from tests.stories.test_servers_away import database_away
from tests.worker import worker_process

HOURS_LATER = timedelta(hours=5)


@pytest.fixture
async def mailboxes() -> AsyncIterator[Mailboxes]:
    async with receiving_mail() as opened:
        yield opened


async def test_a_mail_whose_worker_was_killed_is_sent_by_another_within_seconds(
    engine: Engine, cast: Cast, mailboxes: Mailboxes
):
    await post_mail(engine, cast.alice)
    async with hanging_server() as (url, callers):
        async with worker_process(SMTP_URL=url) as killed:
            await eventually(lambda: has(callers, 1))
            killed.kill()
            await killed.wait()
        async with worker_process(SMTP_URL=mailboxes.url):
            await mailboxes.got(1, cast.alice.member.email)
            await eventually(all_told)
    assert len(mailboxes.mails) == 1


async def test_what_a_stop_has_cut_off_is_sent_by_another(
    engine: Engine, cast: Cast, mailboxes: Mailboxes, tmp_path: Path
):
    await post_mail(engine, cast.alice)
    async with hanging_server() as (url, callers):
        async with worker_process(SMTP_URL=url):
            await eventually(lambda: has(callers, 1))
        await send_mails(engine, mailboxes.url, tmp_path)
    assert len(mailboxes.to(cast.alice.member.email)) == 1


async def test_nobody_else_sends_it_while_its_worker_lives_whatever_their_clocks_say(
    engine: Engine, cast: Cast, mailboxes: Mailboxes, tmp_path: Path
):
    await post_mail(engine, cast.alice)
    clock = engine.runtime.clock
    async with hanging_server() as (url, callers):
        await Watch("wrk_slow").beat(clock())
        slow = postman(engine, url, tmp_path, worker="wrk_slow")
        sending = asyncio.create_task(slow.send_due())
        await eventually(lambda: has(callers, 1))
        await send_mails(engine, mailboxes.url, tmp_path, HOURS_LATER)
        assert mailboxes.mails == []
        await cancelled(sending)
    await bury("wrk_slow", clock())
    await send_mails(engine, mailboxes.url, tmp_path)
    assert len(mailboxes.mails) == 1


async def test_a_worker_goes_on_with_what_it_was_kept_from_ending(
    engine: Engine, cast: Cast, mailboxes: Mailboxes, tmp_path: Path
):
    await post_mail(engine, cast.alice)
    await Watch("wrk_a").beat(engine.runtime.clock())
    async with hanging_server() as (url, callers):
        hangs = postman(engine, url, tmp_path, worker="wrk_a")
        sending = asyncio.create_task(hangs.send_due())
        await eventually(lambda: has(callers, 1))
        await cancelled(sending)
    mails = postman(engine, mailboxes.url, tmp_path, worker="wrk_a")
    assert await mails.next_due() is not None
    await mails.send_due()
    assert len(mailboxes.mails) == 1
    assert await mails.next_due() is None


async def test_what_was_sent_while_the_database_went_away_is_not_sent_again(
    engine: Engine, cast: Cast, mailboxes: Mailboxes, tmp_path: Path
):
    for member in (cast.alice, cast.bob):
        await post_mail(engine, member)
    await Watch("wrk_a").beat(engine.runtime.clock())
    mails = postman(engine, mailboxes.url, tmp_path, worker="wrk_a")
    mailboxes.gate.clear()
    sending = asyncio.create_task(mails.send_due())
    await mailboxes.got(1, cast.alice.member.email)
    await mailboxes.got(1, cast.bob.member.email)
    async with database_away(engine):
        mailboxes.gate.set()
        with suppress(*AWAY):
            await sending
        assert sending.done()

    async def recorded() -> bool:
        with suppress(*AWAY):
            await mails.send_due()
            return await all_told()
        return False

    await eventually(recorded)
    assert len(mailboxes.mails) == 2


async def test_a_worker_that_was_taken_for_dead_sends_nothing_until_it_is_back(
    engine: Engine, cast: Cast, mailboxes: Mailboxes, tmp_path: Path
):
    await post_mail(engine, cast.alice)
    clock, watch = engine.runtime.clock, Watch("wrk_a")
    mails = postman(engine, mailboxes.url, tmp_path, worker="wrk_a")
    await watch.beat(clock())
    await bury("wrk_a", clock())
    await mails.send_due()
    assert mailboxes.mails == []
    await watch.beat(clock())
    await mails.send_due()
    assert len(mailboxes.mails) == 1


async def all_told() -> bool:
    return not await Notice.exists().where(Notice.sent_at.is_null())


async def has(found: list[asyncio.StreamWriter], count: int) -> bool:
    return len(found) >= count
