"""What those see who watch the process, and those who mistype an address."""

import httpx
from piccolo.apps.migrations.tables import Migration

from tests.engine import Engine


async def test_it_is_alive_without_a_key(client: httpx.AsyncClient):
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert (await client.head("/healthz")).status_code == 200


async def test_an_unknown_address_is_a_404_in_json(client: httpx.AsyncClient):
    for path in ("/api/nothing", "/api/v1/nothing", "/api/v1/events/a/b/c"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.json() == {
            "error": {
                "code": "not_found",
                "message": "There is nothing at this address.",
                "problems": [],
            }
        }


async def test_a_wrong_method_is_a_405_in_json(api: httpx.AsyncClient):
    answer = await api.patch("/api/v1/events")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


async def test_the_api_is_described_without_any_outside_host(client: httpx.AsyncClient):
    described = (await client.get("/api/schema")).json()
    body = described["paths"]["/api/v1/events"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"]["$ref"].endswith("EventIn")
    assert "EventIn" in described["components"]["schemas"]
    assert "/" not in described["paths"]
    page = await client.get("/api/docs")
    assert page.status_code == 200
    assert "//" not in page.text
    for path in ("rapidoc-9.3.8.min.js", "rapidoc.LICENSE"):
        assert (await client.get(f"/static/vendor/{path}")).status_code == 200


async def test_it_says_what_it_stands_on(client: httpx.AsyncClient):
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "database": True,
        "schema": True,
        "redis": True,
        "workers": 0,
        "oldest_due_seconds": 0.0,
        "problem": None,
    }


async def test_it_says_how_long_the_oldest_due_delivery_has_waited(
    client: httpx.AsyncClient, engine: Engine
):
    await engine.webhook()
    await engine.post()
    engine.skip(60)
    waited = (await client.get("/readyz")).json()["oldest_due_seconds"]
    assert 60 <= waited < 70
    await engine.work()
    assert (await client.get("/readyz")).json()["oldest_due_seconds"] == 0


async def test_an_old_schema_is_a_503(client: httpx.AsyncClient):
    last = await Migration.objects().order_by("id", ascending=False).first()
    assert last
    await Migration.delete().where(Migration.name == last.name)
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert (answer.json()["database"], answer.json()["schema"]) == (True, False)
    await Migration.insert(last)


async def test_an_unknown_page_is_a_page(client: httpx.AsyncClient):
    answer = await client.get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "There is nothing at this address." in answer.text
    assert "<html" in answer.text
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    part = await client.get("/nothing", headers={"HX-Request": "true"})
    assert part.status_code == 404
    assert "<html" not in part.text
    assert part.headers["Vary"] == "HX-Request"
