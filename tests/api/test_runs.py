"""Scheduled runs over the API."""

import httpx

from tests.cast import Cast
from tests.engine import Engine

WHOLE = {
    "mode": "schedule",
    "every_minutes": 15,
    "batch_size": 60,
    "bucket_size": 1,
    "latest_only": False,
}


async def create(api: httpx.AsyncClient, **more: object) -> httpx.Response:
    body = {"url": "https://r.example/", "events": ["*"], **more}
    return await api.post("/api/v1/webhooks", json=body)


async def test_a_schedule_has_defaults_and_comes_back_whole(api: httpx.AsyncClient):
    made = await create(api, delivery={"mode": "schedule"})
    assert made.json()["delivery"] == WHOLE
    at_once = await create(api)
    assert at_once.json()["delivery"] == {"mode": "immediate"}


async def test_a_patch_changes_one_number_and_leaves_the_others(api: httpx.AsyncClient):
    id = (await create(api, delivery={"mode": "schedule"})).json()["id"]
    path = f"/api/v1/webhooks/{id}"
    changed = await api.patch(path, json={"delivery": {"batch_size": 500}})
    assert changed.json()["delivery"] == WHOLE | {"batch_size": 500}
    changed = await api.patch(path, json={"delivery": {"mode": "immediate"}})
    assert changed.json()["delivery"] == {"mode": "immediate"}


async def test_wrong_numbers_are_all_named(api: httpx.AsyncClient):
    wrong = {"mode": "schedule", "every_minutes": 0, "batch_size": 0, "bucket_size": 0}
    answer = await create(api, delivery=wrong)
    assert answer.status_code == 422
    fields = [each["field"] for each in answer.json()["error"]["problems"]]
    assert fields == [f"delivery.{name}" for name in list(wrong)[1:]]
    answer = await create(api, delivery={"mode": "weekly"})
    assert answer.status_code == 422


async def test_a_run_is_asked_for_and_reported(api: httpx.AsyncClient):
    made = await create(api, delivery={"mode": "schedule"}, state="active")
    path = f"/api/v1/webhooks/{made.json()['id']}"
    before = (await api.get(f"{path}/runs")).json()
    assert before["last"] is None
    assert (await api.post(f"{path}/run")).json() == {"taken": 0}
    after = (await api.get(f"{path}/runs")).json()
    assert after["next_run_at"] == before["next_run_at"]
    assert after["looked_at"] is not None


async def test_what_a_run_has_taken_does_not_wait_for_the_next(
    api: httpx.AsyncClient, engine: Engine
):
    delivery = {"mode": "schedule", "bucket_size": 5}
    made = await create(api, delivery=delivery, state="active")
    path = f"/api/v1/webhooks/{made.json()['id']}"
    for _ in range(3):
        await engine.post()
    assert (await api.get(f"{path}/runs")).json()["waiting"] == 3
    assert (await api.post(f"{path}/run")).json() == {"taken": 3}
    await engine.post()
    assert (await api.get(f"{path}/runs")).json()["waiting"] == 1


async def test_what_delivers_at_once_has_no_runs(api: httpx.AsyncClient, cast: Cast):
    made = await create(api, state="active")
    path = f"/api/v1/webhooks/{made.json()['id']}"
    assert (await api.get(f"{path}/runs")).status_code == 404
    answer = await api.post(f"{path}/run")
    assert answer.status_code == 409
    assert "no schedule" in answer.json()["error"]["message"]
    stranger = cast.charlie.headers
    assert (await api.post(f"{path}/run", headers=stranger)).status_code == 404
