"""All that receivers can do wrong about TLS at once, through the whole engine."""

import ssl
from contextlib import AsyncExitStack
from pathlib import Path

from callboard import ids
from callboard.delivery import reading
from callboard.delivery.calls.sender import open_sender
from callboard.payload.settings import Payload
from tests import make
from tests.certificates import authority, issue, receives
from tests.engine import Engine
from tests.hostile import LATEST, LOOPBACK, receiving
from tests.hostile_tls import CASES, Odd

TIMEOUT = 3  # for all handshakes at once on two cores


async def test_each_is_one_failed_attempt_that_says_why(engine: Engine, tmp_path: Path):
    root = authority()
    trusting = ssl.create_default_context(cadata=root.pem)
    async with AsyncExitStack() as stack:
        sender = await stack.enter_async_context(open_sender(LOOPBACK, tls=trusting))
        engine.runtime = make.changed(engine.runtime, sender=sender)
        named = dict[str, str]()
        for name, odd in CASES.items():
            tls = _tls(odd, root, tmp_path)
            port = await stack.enter_async_context(receiving(odd.behave, tls))
            webhook = await engine.webhook(
                url=f"https://127.0.0.1:{port}/",
                payload=Payload(format="data"),
                timeout=TIMEOUT,
                schedule=(),
            )
            named[webhook] = name
        plain = await engine.webhook("/plain")
        await engine.post(b"{}")
        await engine.work()
    assert await engine.states(plain) == ["delivered"]
    for row in await engine.rows("SELECT seq, webhook FROM delivery"):
        if name := named.pop(row["webhook"], ""):
            delivery = ids.from_sequence("dlv", row["seq"])
            story = await reading.get(engine.account, delivery)
            (attempt,) = story.attempts
            wanted = "failed" if CASES[name].error else "delivered"
            found = (story.state, attempt.error, CASES[name].words in attempt.detail)
            assert found == (wanted, CASES[name].error, True), (name, attempt.detail)
            assert attempt.seconds < TIMEOUT + LATEST, name
    assert named == {}


def _tls(odd: Odd, root, aside: Path) -> ssl.SSLContext | None:
    if odd.wishes is None:
        return None
    return receives(issue("receiver", **{"issuer": root} | odd.wishes), aside)
