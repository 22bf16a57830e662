"""What a receiver answers is text on every page, however it is made."""

import re
from html.parser import HTMLParser

import pytest

from callboard.payload.settings import Payload
from tests.engine import TYPE, Engine
from tests.pages.signed_in import Browser
from tests.receiver import Answer

MARK = "evil-mark"
HOSTILE = {
    "script": f"<script>/*{MARK}*/</script>".encode(),
    "htmx": f'<p hx-get="/{MARK}" hx-trigger="load" data-copy="{MARK}">'.encode(),
    "out of quotes": f"""'"><img src=/{MARK} onerror=x>""".encode(),
    "JSON with markup": f'{{"<b {MARK}=1>": ["</pre><i {MARK}=1>"]}}'.encode(),
    "a template": f"{{{{ '{MARK}' }}}}{{% {MARK} %}}".encode(),
    "deep lists": b"[" * 150 + b'"evil-mark"' + b"]" * 150,
    "deep objects": b'{"a":' * 500 + b'"evil-mark"' + b"}" * 500,
    "a long number": b'["evil-mark",' + b"9" * 5000 + b"]",
    "terminal, NUL and no UTF-8": b"\x1b[2J\0\xff\xc2\x9b evil-mark",
}


class Tags(HTMLParser):
    """`made`: tags and attributes that the mark got into."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.made: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        for name, value in attrs:
            # The mark may be copied and shown as words.
            if MARK in name or (MARK in (value or "") and name != "data-copy"):
                self.made.append(f"{tag} {name}")

    def handle_data(self, data: str) -> None:
        if MARK in data and self.inside in ("script", "style"):
            self.made.append(self.inside)


async def pages_of(alice: Browser, webhook: str) -> list[str]:
    """Those on which an answer is shown."""
    listed = await alice.get(f"/deliveries?webhook={webhook}")
    (delivery,) = re.findall(r'href="(/deliveries/dlv_\w+)"', listed.text)
    tried = await alice.post_part(f"/webhooks/{webhook}/test", {"type": TYPE})
    return [tried.text, (await alice.get(delivery)).text]


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_it_is_shown_and_does_nothing(alice, engine: Engine, body: bytes):
    headers = (("X-Said", f"<i {MARK}=1>\"'"), ("HX-Redirect", f"/{MARK}"))
    engine.receiver.usually["/x"] = Answer(200, headers, body)
    webhook = await engine.webhook("/x", payload=Payload(format="data"))
    await engine.post(b"{}")
    await engine.work()
    for text in await pages_of(alice, webhook):
        assert text.count(MARK) >= 2
        assert Tags(text).made == []
