"""Whatever is typed into whichever field of whichever form, it is answered by us."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from litestar import Litestar

from callboard.runtime import Runtime
from tests.cast import Cast
from tests.doors import belongings_of, doors
from tests.pages.found_forms import Found, forms_in
from tests.pages.signed_in import Browser

HOSTILE = ("\0\u2028²", "9" * 20_000, b"\xff\xed\xa0\x80${[(((")
# What ends the account's things or the session that looks for them.
ENDINGS = ("/delete", "/remove", "/revoke", "/end", "/end-others", "/cancel", "/logout")
# By name, of something that there is: not to be typed.
CHOSEN = {"webhook", "shown"}
# Never shown again, or no part of what is saved.
FORGOTTEN = {"old", "password", "shown_event"}


async def forms_of(
    app: Litestar, alice: Browser, things: dict[str, str]
) -> list[Found]:
    """All that post, each once, with the address they post to."""
    found: dict[str, Found] = {}
    for door in doors(app):
        if door.is_page and door.is_safe and "{path" not in door.path:
            path = door.filled(things) if door.parameter else door.path
            for form in forms_in((await alice.client.get(path)).text):
                form.action = form.action or path
                if form.method == "post" and not form.action.endswith(ENDINGS):
                    found.setdefault(form.action, form)
    return list(found.values())


def spoiled(form: Found) -> Iterator[tuple[str, dict[str, list[str | bytes]]]]:
    """With one field that is hostile, comes twice, or is left out."""
    names = dict.fromkeys(name for name in form.names if name != "_csrf_token")
    odd: list[list[str | bytes]] = [*([each] for each in HOSTILE), ["a", "b"], []]
    for name in names:
        for values in odd:
            sent = {name: values}
            for other, value in form.sent:
                if other not in (name, "_csrf_token"):
                    sent.setdefault(other, []).append(value)
            yield name, sent


@pytest.mark.timeout(120)
async def test_no_field_makes_a_fault_of_ours_or_loses_what_was_typed(
    app: Litestar, runtime: Runtime, cast: Cast, alice: Browser
):
    forms = await forms_of(app, alice, await belongings_of(cast.alice, runtime))
    assert len(forms) > 15
    headers = {"x-csrftoken": await alice.token()}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    wrong = []
    for form in forms:
        for name, sent in spoiled(form):
            body = urlencode(sent, doseq=True)
            answer = await alice.client.post(form.action, content=body, headers=headers)
            status = answer.status_code
            fine = status in (200, 303, 422, 429) or (name in CHOSEN and status < 500)
            lost = _lost(answer.text, name, sent) if status == 422 else set()
            if not fine or lost:
                wrong.append((form.action, name, str(sent[name])[:30], status, lost))
    assert wrong == []


def _lost(page: str, name: str, sent: dict[str, list[str | bytes]]) -> set[str]:
    """Fields beside the wrong one that do not come back as they were sent."""
    kept = {each for form in forms_in(page) for each in form.sent}
    beside = sent.keys() - {name} - FORGOTTEN
    return {each for each in beside for text in sent[each] if (each, text) not in kept}
