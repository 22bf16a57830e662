"""All hostile receivers at once, through the whole engine, beside a good one."""

import logging
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar

from callboard import ids
from callboard.delivery import reading
from callboard.payload.settings import Payload
from tests.cast import Cast
from tests.engine import Engine
from tests.hostile import (
    ANSWERED,
    BROKEN_BODY,
    ENDLESS,
    HOSTILE_TEXT,
    LATEST,
    NO_STATUS,
    REFUSED,
    receiving,
)
from tests.mailboxes import text_of
from tests.pages.signed_in import browser, sign_in
from tests.posting import send_mails
from tests.receiver import Answer

TIMEOUT = 1
MOST_KB = 60_000  # with all that the receivers themselves keep
MARKUP = ("<script>\x1b", "<script>=cmd", "'\"<b>")
RAW = ("\x1b", "\u202e", *MARKUP)
TOLD: dict[str, Any] = {
    "recipients": ("ops@example.org",),
    "notify": ("delivery_failed",),
}
FAIL = {**NO_STATUS, **BROKEN_BODY}
CASES = {
    **{name: behave for name, (behave, _) in (FAIL | ANSWERED).items()},
    **REFUSED,
    **ENDLESS,
}
WANTED = {
    **{name: ("failed", error) for name, (_, error) in FAIL.items()},
    **dict.fromkeys(REFUSED, ("failed", None)),
    **dict.fromkeys((*ANSWERED, *ENDLESS), ("delivered", None)),
}


@dataclass
class Crowd:
    """`named`: which case each webhook calls."""

    engine: Engine
    named: dict[str, str] = field(default_factory=dict)

    async def add(self, name: str, behave: Any, stack: AsyncExitStack) -> None:
        port = await stack.enter_async_context(receiving(behave))
        webhook = await self.engine.webhook(
            url=f"http://127.0.0.1:{port}/",
            name=name,
            payload=Payload(format="data"),
            timeout=TIMEOUT,
            schedule=(),
            **TOLD,
        )
        self.named[webhook] = name

    async def found(self) -> dict[str, reading.DeliveryView]:
        rows = await self.engine.rows("SELECT seq, webhook FROM delivery")
        return {
            self.named[row["webhook"]]: await reading.get(
                self.engine.account, ids.from_sequence("dlv", row["seq"])
            )
            for row in rows
            if row["webhook"] in self.named
        }


async def test_each_is_one_failed_attempt_and_harms_no_other(
    engine: Engine,
    app: Litestar,
    cast: Cast,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
):
    caplog.set_level(logging.INFO)
    crowd = Crowd(engine)
    good = await engine.webhook("/good", payload=Payload(format="data"))
    async with AsyncExitStack() as stack:
        for name, behave in CASES.items():
            await crowd.add(name, behave, stack)
        await engine.post(b"{}")
        with little_memory():
            async with engine.working():
                await engine.receiver.got(1, "/good")
                await engine.settled()
    assert await engine.states(good) == ["delivered"]
    found = await crowd.found()
    assert found.keys() == CASES.keys()
    for name, story in found.items():
        (attempt,) = story.attempts
        assert attempt.seconds < TIMEOUT + LATEST, name
        assert (story.state, attempt.error) == WANTED[name], name
        if name in ANSWERED:
            assert attempt.response.body == ANSWERED[name][1], name
    assert HOSTILE_TEXT[:8] not in caplog.text.encode()
    assert "\x1b" not in caplog.text
    shown = await pages_of(engine, app, cast, found)
    told = await mails_of(engine, tmp_path)
    assert len(told) >= 2
    assert [text for text in shown if any(each in text for each in MARKUP)] == []
    assert [text for text in told if any(each in text for each in RAW)] == []


async def test_what_it_said_does_nothing_in_a_mail(engine: Engine, tmp_path: Path):
    said = "<script>\x1b[31m\u202e=cmd()\r\nBcc: x@y.example\r\n'\"<b>"
    engine.receiver.usually["/"] = Answer(503, body=said.encode())
    await engine.webhook(schedule=(), deactivate_after=None, **TOLD)
    await engine.post()
    await engine.work()
    plain, html = await mails_of(engine, tmp_path)
    for text in (plain, html):
        assert "=cmd() Bcc: …" in text
        assert not any(raw in text for raw in RAW)


async def pages_of(
    engine: Engine, app: Litestar, cast: Cast, found: dict[str, reading.DeliveryView]
) -> list[str]:
    async with browser(app, engine.runtime) as visitor:
        alice = await sign_in(visitor, engine.runtime, cast.alice)
        return [
            (await alice.get(f"/deliveries/{story.id}")).text
            for story in found.values()
        ]


async def mails_of(engine: Engine, outbox: Path) -> list[str]:
    """As they go out, in both forms."""
    await send_mails(engine, None, outbox, later=timedelta(minutes=20))
    mails = [
        message_from_bytes(file.read_bytes(), policy=policy.default)
        for file in outbox.glob("*.eml")  # noqa: ASYNC240  it is small and local
    ]
    return [text_of(mail, form) for mail in mails for form in ("plain", "html")]


@contextmanager
def little_memory() -> Iterator[None]:
    """What the process takes at most meanwhile, where the kernel tells it."""
    resets = Path("/proc/self/clear_refs")
    if not resets.exists():
        yield
        return
    resets.write_text("5")
    before = _peak()
    yield
    assert _peak() - before < MOST_KB


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])
