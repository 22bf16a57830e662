"""The account's defaults for new webhooks, set on the page and over the API."""

import httpx

from callboard.webhooks import webhooks
from callboard.webhooks.settings import settings_of
from tests.engine import Engine

FORM = {
    "hold_days": "9",
    "deactivate_after": "",
    "addresses": "alarm@example.org",
    "notify": ["deactivated", "recovered"],
}


async def test_a_new_webhook_takes_what_the_account_says(alice, engine: Engine):
    await alice.post("/settings/defaults", FORM)
    page = (await alice.get("/webhooks/new")).text
    assert "alarm@example.org" in page
    assert 'name="hold_days" type="number" class="short" value="9"' in page
    again = (await alice.get("/settings/defaults")).text
    assert 'value="deactivated" checked' in again
    assert 'value="failing" checked' not in again


async def test_every_problem_is_shown_and_what_was_typed_stays(alice, engine: Engine):
    wrong = FORM | {"hold_days": "99", "deactivate_after": "x", "addresses": "nobody"}
    page = (await alice.post("/settings/defaults", wrong, 422)).text
    assert "Give 0 to 30 whole days." in page
    assert "Give 1 to 1000 failed deliveries" in page
    assert "“nobody” is no address" in page
    assert "nobody" in page


async def test_viewers_may_not_and_strangers_have_their_own(
    alice, viewer, charlie, engine: Engine
):
    await viewer.get("/settings/defaults", 403)
    await viewer.post("/settings/defaults", FORM, 403)
    await alice.post("/settings/defaults", FORM)
    assert "alarm@example.org" not in (await charlie.get("/settings/defaults")).text


async def test_over_the_api_a_webhook_takes_them_unless_it_says_otherwise(
    api: httpx.AsyncClient, cast
):
    before = (await api.get("/api/v1/defaults")).json()
    assert before == {
        "hold_days": 4,
        "deactivate_after": 1,
        "recipients": [],
        "notify": ["failing", "deactivated", "reminder", "recovered"],
    }
    new = {"deactivate_after": None, "recipients": [cast.bob.member.id]}
    after = before | new
    assert (await api.put("/api/v1/defaults", json=new)).json() == after
    body = {"url": "https://r.example/", "events": ["*"]}
    made = (await api.post("/api/v1/webhooks", json=body)).json()
    assert {name: made[name] for name in after} == after
    own = body | {"deactivate_after": 3, "recipients": [], "hold_days": 0}
    made = (await api.post("/api/v1/webhooks", json=own)).json()
    assert (made["deactivate_after"], made["recipients"]) == (3, [])
    assert made["hold_days"] == 0


async def test_wrong_defaults_are_refused_with_every_problem(api: httpx.AsyncClient):
    wrong = {"hold_days": 99, "deactivate_after": 0, "recipients": ["x"]}
    answer = await api.put("/api/v1/defaults", json=wrong)
    fields = [each["field"] for each in answer.json()["error"]["problems"]]
    assert fields == ["hold_days", "deactivate_after", "recipients.0"]


async def test_a_member_who_left_is_no_default_recipient_any_more(
    api: httpx.AsyncClient, cast
):
    bob = cast.bob.member
    await api.put("/api/v1/defaults", json={"recipients": [bob.id]})
    await bob.remove()
    body = {"url": "https://r.example/", "events": ["*"]}
    made = await api.post("/api/v1/webhooks", json=body)
    assert made.status_code == 201
    row = await webhooks.get(cast.alice.account, made.json()["id"])
    assert settings_of(row).recipients == ()
