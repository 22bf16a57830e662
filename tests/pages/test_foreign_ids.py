"""Pages show nothing of another account's, whichever id stands in query or form."""

import pytest

from callboard.ingest import NewEvent
from callboard.runtime import Runtime
from tests import make
from tests.cast import Cast
from tests.doors import TYPE, belongings_of
from tests.pages.forms import FORM
from tests.pages.signed_in import Browser

CANARY = "canary-of-alice"


@pytest.fixture
async def hers(cast: Cast, runtime: Runtime) -> dict[str, str]:
    """Ids of alice's things; an event of hers sings, and charlie has its type, too."""
    things = await belongings_of(cast.alice, runtime)
    await make.event_type(cast.charlie.account, TYPE)
    event = NewEvent(TYPE, f'{{"a": "{CANARY}"}}'.encode())
    now = runtime.clock()
    (receipt,) = await runtime.acceptor.accept(cast.alice.account, [event], now)
    found = {start.strip("/"): id for start, id in things.items()}
    return found | {"event": receipt.id}


@pytest.mark.parametrize(
    "query",
    [
        *("deliveries?webhook={webhooks}", "deliveries?event={events}"),
        *(f"events?type={TYPE}", "replays?webhook={webhooks}"),
        "webhooks?q=r.example",
    ],
)
async def test_no_list_shows_what_is_hers(
    charlie: Browser, alice: Browser, hers: dict[str, str], query: str
):
    path = "/" + query.format(**hers)
    named = ("webhooks", "events", "replays", "deliveries")
    links = [f'/{hers[each]}"' for each in named if hers[each] not in path]
    shown = (await alice.get(path)).text
    assert any(link in shown for link in links)
    shown = (await charlie.get(path)).text
    assert not any(link in shown for link in links)


async def test_no_form_shows_what_is_hers(
    charlie: Browser, alice: Browser, hers: dict[str, str]
):
    form = FORM | {"shown": TYPE, "shown_event": hers["event"]}
    answer = await alice.post_part("/webhooks/new/preview", form)
    assert CANARY in answer.text
    for path in ("/webhooks/new/preview", "/webhooks/new/tester"):
        token = {"HX-Request": "true", "x-csrftoken": await charlie.token()}
        answer = await charlie.client.post(path, data=form, headers=token)
        assert answer.status_code in (200, 404)
        assert CANARY not in answer.text


async def test_no_replay_is_made_of_what_is_hers(
    charlie: Browser, hers: dict[str, str]
):
    await charlie.get(f"/replays/new?webhook={hers['webhooks']}", status=422)
    form = {"webhook": hers["webhooks"], "states": ["cancelled"]}
    token = {"_csrf_token": await charlie.token()}
    answer = await charlie.client.post("/replays/", data=form | token)
    assert answer.status_code in (404, 422)
    assert hers["replays"] not in answer.text
