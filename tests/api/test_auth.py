"""Who a webhook is to its receiver, through the API: kept, masked, changed, told."""

from typing import Any

import httpx
import msgspec
import pytest

from callboard.accounts import audit
from callboard.webhooks.tables import Webhook
from tests import make
from tests.cast import Cast, person
from tests.certificates import authority, issue

PATH = "/api/v1/webhooks"
SECRET = "s3cret-of-the-receiver"
BASIC = {"type": "basic", "username": "ann", "password": SECRET}
OAUTH2 = {
    "type": "oauth2",
    "token_url": "https://id.example:443/token",
    "client_id": "me",
    "client_secret": SECRET,
}
HIDDEN = "••••"


@pytest.fixture
async def api(api: httpx.AsyncClient, cast: Cast) -> httpx.AsyncClient:
    await make.event_type(cast.alice.account, "contact.created")
    return api


async def create(api: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    new = {"url": "https://r.example/hook", "events": ["contact.created"]}
    answer = await api.post(PATH, json=new | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def patch(api: httpx.AsyncClient, id: str, **change: Any) -> dict[str, Any]:
    answer = await api.patch(f"{PATH}/{id}", json=change)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(api: httpx.AsyncClient, id: str, **change: Any) -> dict[str, str]:
    answer = await api.patch(f"{PATH}/{id}", json=change)
    assert answer.status_code == 422, answer.text
    return {p["field"]: p["code"] for p in answer.json()["error"]["problems"]}


async def sent(api: httpx.AsyncClient, id: str) -> list[list[str]]:
    """The headers of the preview."""
    answer = await api.post(f"{PATH}/{id}/preview", json={})
    assert answer.status_code == 200, answer.text
    return answer.json()["request"]["headers"]


async def kept(id: str) -> str:
    row = await Webhook.objects().get(Webhook.id == id)
    assert row
    return row.auth


@pytest.mark.parametrize(
    ("auth", "shown"),
    [
        (BASIC, {"type": "basic", "username": "ann", "password": HIDDEN}),
        (
            {"type": "header", "name": "X-Key", "value": SECRET},
            {"type": "header", "name": "X-Key", "value": HIDDEN},
        ),
        ({"type": "bearer", "token": SECRET}, {"type": "bearer", "token": HIDDEN}),
        (
            OAUTH2 | {"scope": "hooks"},
            {
                "type": "oauth2",
                "token_url": "https://id.example/token",
                "client_id": "me",
                "client_secret": HIDDEN,
                "scope": "hooks",
            },
        ),
    ],
)
async def test_a_secret_is_sealed_and_never_comes_back(api, cast, auth, shown):
    made = await create(api, auth=auth)
    assert made["auth"] == shown
    answers = [
        (await api.get(f"{PATH}/{made['id']}")).text,
        (await api.get(PATH)).text,
        (await api.post(f"{PATH}/{made['id']}/preview", json={})).text,
        await kept(made["id"]),
        str(await audit.page(cast.alice.account)),
    ]
    assert not [text for text in answers if SECRET in text]


async def test_a_preview_shows_which_header_there_will_be(api):
    made = await create(api, auth=BASIC)
    assert ["Authorization", HIDDEN] in await sent(api, made["id"])
    made = await create(api, auth=OAUTH2)
    assert ["Authorization", HIDDEN] in await sent(api, made["id"])


async def test_a_certificate_is_told_by_its_names_and_its_end(api):
    ours = issue("client", authority("Acme root"))
    auth = {"type": "mtls", "certificate": ours.pem, "private_key": ours.key}
    made = await create(api, auth=auth)
    shown = made["auth"]
    assert (shown["subject"], shown["issuer"]) == ("CN=client", "CN=Acme root")
    assert shown["expires_at"].endswith("Z")
    assert (shown["certificate"], shown["private_key"]) == (ours.pem, HIDDEN)
    assert ours.key.splitlines()[1] not in await kept(made["id"])
    url = {"url": "http://r.example/"}
    assert await refused(api, made["id"], **url) == {"auth.type": "https"}


async def test_a_secret_that_is_not_sent_stays(api):
    made = await create(api, auth=OAUTH2)
    before = await kept(made["id"])
    await patch(api, made["id"], name="Other", auth=made["auth"])
    assert await kept(made["id"]) == before
    changed = await patch(api, made["id"], auth={"scope": "hooks"})
    assert (changed["auth"]["scope"], changed["auth"]["client_id"]) == ("hooks", "me")
    assert changed["auth"]["client_secret"] == HIDDEN
    changed = await patch(api, made["id"], auth={"scope": None})
    assert "scope" not in changed["auth"]
    await patch(api, made["id"], auth={"client_secret": "another"})
    assert await kept(made["id"]) != before


async def test_another_type_begins_anew(api):
    made = await create(api, auth=BASIC)
    assert await refused(api, made["id"], auth={"type": "bearer"}) == {
        "auth.token": "missing"
    }
    changed = await patch(api, made["id"], auth={"type": "bearer", "token": "t"})
    assert changed["auth"] == {"type": "bearer", "token": HIDDEN}
    changed = await patch(api, made["id"], auth=None)
    assert changed["auth"] == {"type": "none"}
    assert msgspec.json.decode(await kept(made["id"]))["sealed"] == ""
    back = {"type": "basic", "username": "ann"}
    assert await refused(api, made["id"], auth=back) == {"auth.password": "missing"}


async def test_a_kept_secret_is_judged_again_with_what_changes(api):
    root = authority()
    ours, other = issue("client", root), issue("other", root)
    auth = {"type": "mtls", "certificate": ours.pem, "private_key": ours.key}
    made = await create(api, auth=auth)
    swapped = {"certificate": other.pem}
    assert await refused(api, made["id"], auth=swapped) == {
        "auth.private_key": "another"
    }
    renewed = issue("renewed", root, private=ours.private)
    changed = await patch(api, made["id"], auth={"certificate": renewed.pem})
    assert changed["auth"]["subject"] == "CN=renewed"


async def test_all_problems_come_at_once_and_by_their_names(api):
    new = {
        "url": "ftp://x",
        "events": ["contact.created"],
        "headers": {"Authorization": "x"},
        "auth": {"type": "oauth2", "token_url": "nonsense", "username": "ann"},
    }
    answer = await api.post(PATH, json=new)
    assert answer.status_code == 422
    fields = {p["field"] for p in answer.json()["error"]["problems"]}
    assert fields == {
        "url",
        "headers.Authorization",
        "auth.username",
        "auth.token_url",
        "auth.client_id",
        "auth.client_secret",
    }


async def test_what_is_no_auth_at_all_is_told(api):
    made = await create(api)
    assert await refused(api, made["id"], auth={"type": "magic"}) == {
        "auth.type": "type"
    }
    assert await refused(api, made["id"], auth={"passwort": "x"}) == {
        "auth.passwort": "unknown"
    }


async def test_own_headers_are_shown_to_keys_that_may_change_them_only(api, cast):
    made = await create(api, headers={"X-Key": SECRET})
    path = f"{PATH}/{made['id']}"
    assert (await api.get(path)).json()["headers"] == {"X-Key": SECRET}
    reader = await person(cast.alice.account, "r@acme.example", "viewer", "read")
    for answer in (
        await api.get(path, headers=reader.headers),
        await api.get(PATH, headers=reader.headers),
    ):
        assert SECRET not in answer.text
        assert "X-Key" in answer.text


async def test_strangers_learn_nothing(api, cast):
    made = await create(api, auth=BASIC)
    answer = await api.get(f"{PATH}/{made['id']}", headers=cast.charlie.headers)
    assert answer.status_code == 404
