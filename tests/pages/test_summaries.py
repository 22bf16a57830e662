"""Above a form that was refused stands what is wrong: each with its field's name, and
a link that leads there."""

import re
from html import unescape
from typing import Any

import pytest

from tests.engine import Engine
from tests.pages.signed_in import Browser

WEBHOOK = {
    "url": "ftp://x",
    "patterns": "no..thing",
    "addresses": "nobody",
    "filter": "(",
    "conditions": "age:nearly = 3",
    "payload_format": "template",
    "payload_template": "{",
    "payload_fields": "a b:",
    "auth_type": "basic",
    "delivery_mode": "schedule",
    "delivery_every_minutes": "0",
    "signing_scheme": "hmac-sha256-hex",
    "signing_header": "no header",
    "app": "x" * 300,
    "headers": "nonsense",
    "success": "maybe",
    "retry_schedule": "soon",
    **dict.fromkeys(("timeout", "rate_per_second", "concurrency", "hold_days"), "x"),
}


def named(html: str) -> list[tuple[str, str]]:
    """Of each problem: what it says, and what its link leads to is called."""
    (summary,) = re.findall(r'<div class="summary".*?</div>', html, re.DOTALL)
    found = re.findall(r'<a href="#([^"]+)">(.*?)</a>', summary, re.DOTALL)
    assert found
    return [(_words(text), _called(html, target)) for target, text in found]


def _called(html: str, id: str) -> str:
    """By its label, or its legend."""
    place = re.escape(id)
    assert f' id="{id}"' in html, f"nothing is called {id}"
    label = rf'<label for="{place}">(.*?)(?:<span|</label>)'
    legend = rf'<fieldset [^>]*id="{place}"[^>]*><legend[^>]*>(.*?)</legend>'
    return _words("".join(re.findall(f"{label}|{legend}", html, re.DOTALL)[0]))


def _words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


@pytest.mark.parametrize(
    ("path", "form", "least"),
    [
        ("/webhooks/new", WEBHOOK, 19),
        ("/webhooks/new", {"url": "https://r.example/", "notify": "all"}, 2),
        (
            "/catalogue/new",
            {
                "name": "a b",
                "group": "x" * 99,
                "schema": '{"type": "nix"}',
                "sample": "{",
                "placeholders": "9: x",
                "fields": "a: b",
            },
            6,
        ),
        ("/settings/defaults", {"hold_days": "x", "addresses": "nobody"}, 2),
        ("/settings/members", {"email": "x", "role": "king"}, 2),
        ("/settings/keys", {"name": ""}, 1),
        ("/settings/password", {"old": "wrong", "password": "short"}, 2),
    ],
)
async def test_each_problem_names_the_field_that_it_leads_to(
    alice: Browser, path: str, form: dict[str, Any], least: int
):
    found = named((await alice.post(path, form, 422)).text)
    assert len(found) >= least
    assert [
        (said, name) for said, name in found if not said.startswith(f"{name}: ")
    ] == []


async def test_also_of_a_replay(alice: Browser, engine: Engine):
    await engine.webhook()
    query = "webhook=wh_no&kind=ended&types=no..thing&since=soon&rate_per_second=x"
    page = await alice.get(f"/replays/new?{query}", 422)
    found = named(page.text)
    assert [pair for pair in found if not pair[0].startswith(f"{pair[1]}: ")] == []
