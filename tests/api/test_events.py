"""Sending events: what is taken, what is refused, and with which words."""

import logging
import sqlite3
from typing import Any

import asyncpg
import pytest

from callboard.accounts.tables import ApiKey
from callboard.delivery.tables import Event
from callboard.errors import Unavailable
from callboard.ingest.intake import Intake
from tests import make
from tests.cast import Cast, person
from tests.engine import eventually
from tests.events_api import BODY, post
from tests.problems import told

pytestmark = pytest.mark.usefixtures("contact_created")


class TestOne:
    async def test_is_taken_with_a_receipt(self, api):
        answer = await post(api, BODY | {"id": "order-1"})
        assert answer.status_code == 202
        receipt = answer.json()
        assert receipt.pop("id").startswith("evt_")
        assert receipt == {"key": "order-1", "duplicate": False, "deliveries": 0}

    async def test_keeps_the_senders_bytes(self, api):
        data = b'{ "b":1.50,\n "a": "\\u00e4" }'
        body = b'{"type": "contact.created", "data": ' + data + b"}"
        answer = await api.post("/api/v1/events", content=body)
        assert answer.status_code == 202
        stored = await Event.select(Event.data).first()
        assert stored
        assert stored["data"].encode() == data

    async def test_takes_all_its_fields(self, api):
        body = BODY | {
            "context": ["region.7"],
            "sending": "batch",
            "kind": "newsletter",
            "occurred_at": "2026-01-15T10:30:00+02:00",
        }
        assert (await post(api, body)).status_code == 202
        stored = await Event.objects().first()
        assert stored
        assert (stored.sending, stored.kind) == ("batch", "newsletter")
        assert stored.occurred_at.isoformat() == "2026-01-15T08:30:00+00:00"

    async def test_the_same_id_again_answers_with_the_first_receipt(self, api):
        first = (await post(api, BODY | {"id": "a"})).json()
        again = await post(api, BODY | {"id": "a"})
        assert again.status_code == 202
        assert again.json() == first | {"duplicate": True}

    async def test_the_same_id_for_something_else_is_a_conflict(self, api):
        await post(api, BODY | {"id": "a"})
        answer = await post(api, BODY | {"id": "a", "data": 2})
        assert answer.status_code == 409
        assert answer.json()["error"]["problems"] == []

    @pytest.mark.parametrize(
        ("body", "place"),
        [
            pytest.param(b"", "byte 0", id="empty"),
            pytest.param(b'{"type": "a", ', "byte 14", id="cut"),
            pytest.param(b'{"type": "a", "data": {"x": 1,}}', "byte 30", id="comma"),
            pytest.param(b'{"type": "a", "data": "\xff"}', "byte 23", id="not UTF-8"),
            pytest.param(b'{"type": "a", "data": "\\q"}', "byte 24", id="escape"),
            pytest.param(b'{"type": "a", "data": "a\nb"}', "byte 24", id="newline"),
            pytest.param(b'{"data": NaN}', "byte 9", id="NaN"),
            pytest.param(b"\xef\xbb\xbf{}", "byte 0", id="byte order mark"),
            pytest.param(b"[" * 100_000, "deeply", id="deep"),
            pytest.param(b'{"type": 1, "data": ' + b"[" * 100_000, "deeply", id="both"),
        ],
    )
    async def test_what_is_no_json_is_a_400_that_says_where(self, api, body, place):
        answer = await api.post("/api/v1/events", content=body)
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["code"] == "unreadable"
        assert place in error["message"]

    async def test_all_problems_at_once(self, api):
        body = {
            "type": 1,
            "id": ["x"],
            "context": ["a", 2],
            "sending": "weekly",
            "occurred_at": "2026-01-15T10:30:00",
            "occured_at": "now",
        }
        assert told(await post(api, body)) == [
            ("occured_at", "unknown"),
            ("type", "type"),
            ("data", "missing"),
            ("id", "type"),
            ("context[1]", "type"),
            ("sending", "type"),
            ("occurred_at", "type"),
        ]

    async def test_an_unknown_field_gets_a_hint(self, api):
        answer = await post(api, BODY | {"occured_at": "2026-01-15T10:30:00Z"})
        assert "Did you mean occurred_at?" in answer.text

    async def test_an_unknown_type_gets_the_nearest_names(self, api):
        answer = await post(api, BODY | {"type": "contact.creatd"})
        assert told(answer) == [("type", "unknown_type")]
        assert "contact.created" in answer.json()["error"]["problems"][0]["message"]

    async def test_what_is_no_object_is_refused(self, api):
        assert told(await post(api, [BODY])) == [("", "type")]

    async def test_times_before_time_are_refused(self, api):
        answer = await post(api, BODY | {"occurred_at": "0001-01-01T00:00:00+14:00"})
        assert told(answer) == [("occurred_at", "out_of_range")]


class TestBatch:
    async def test_has_a_receipt_for_each(self, api):
        events = [BODY | {"id": f"n{i}"} for i in range(3)]
        answer = await post(api, {"events": events}, "/batch")
        assert answer.status_code == 202
        assert [r["key"] for r in answer.json()["events"]] == ["n0", "n1", "n2"]

    async def test_is_all_or_nothing(self, api):
        events = [BODY, BODY | {"type": "contact.gone"}]
        answer = await post(api, {"events": events}, "/batch")
        assert told(answer) == [("events[1].type", "unknown_type")]
        assert await Event.count() == 0

    async def test_of_one_names_places_too(self, api):
        answer = await post(api, {"events": [BODY | {"type": "nix"}]}, "/batch")
        assert told(answer) == [("events[0].type", "unknown_type")]

    async def test_all_problems_of_all_events_at_once(self, api):
        events = [{"type": 1, "data": 1}, BODY, {"type": "x"}, 4]
        answer = await post(api, {"events": events, "mode": 1}, "/batch")
        assert told(answer) == [
            ("mode", "unknown"),
            ("events[0].type", "type"),
            ("events[2].data", "missing"),
            ("events[3]", "type"),
            ("events[2].type", "unknown_type"),
        ]

    @pytest.mark.parametrize("count", [0, 1001])
    async def test_has_1_to_1000_events(self, api, count: int):
        answer = await post(api, {"events": [BODY] * count}, "/batch")
        assert told(answer) == [("events", "length")]

    async def test_of_no_list_is_refused(self, api):
        assert told(await post(api, {"events": BODY}, "/batch")) == [("events", "type")]
        assert told(await post(api, BODY, "/batch"))[-1] == ("events", "missing")


class TestKeys:
    @pytest.mark.parametrize(
        "header", [None, "", "Bearer", "Bearer cb_wrong", "Basic YTpi", "Bearer é"]
    )
    async def test_a_good_key_is_needed(self, client, header):
        headers = [] if header is None else [("Authorization", header.encode())]
        answer = await client.post("/api/v1/events", json=BODY, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "unauthorized"

    async def test_a_key_that_only_reads_may_not_send(self, api, cast: Cast):
        reader = await person(cast.alice.account, "eve@acme.example", "member", "read")
        answer = await api.post("/api/v1/events", json=BODY, headers=reader.headers)
        assert answer.status_code == 403
        assert "events:write" in answer.json()["error"]["message"]

    async def test_a_revoked_key_is_refused(self, api):
        """Though it was believed just now."""
        assert (await post(api, BODY)).status_code == 202
        await ApiKey.update({ApiKey.revoked_at: make.NOW}, force=True)

        async def refused() -> bool:
            return (await post(api, BODY)).status_code == 401

        await eventually(refused)

    async def test_charlie_sends_into_his_own_account(self, api, cast: Cast):
        """There alice's types are unknown and her ids unused."""
        await post(api, BODY | {"id": "a"})
        path = "/api/v1/events"
        answer = await api.post(path, json=BODY, headers=cast.charlie.headers)
        assert told(answer) == [("type", "unknown_type")]
        await make.event_type(cast.charlie.account, "contact.created")
        body = BODY | {"id": "a"}
        answer = await api.post(path, json=body, headers=cast.charlie.headers)
        assert answer.json()["duplicate"] is False


class TestTrouble:
    async def test_a_fault_of_ours_is_logged_once_and_not_explained(
        self, app, api, caplog
    ):
        class Broken:
            async def accept(self, *_: Any) -> None:
                raise ZeroDivisionError("the secret reason")

        app.state.runtime = make.changed(app.state.runtime, acceptor=Broken())
        with caplog.at_level(logging.INFO):
            answer = await post(api, BODY)
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "internal_server_error"
        assert "secret" not in answer.text
        ours = [r.getMessage() for r in caplog.records if r.name != "httpx"]
        assert ours == ["request.failed"]

    @pytest.mark.parametrize(
        "error",
        [
            Unavailable("The database is away."),
            asyncpg.ConnectionDoesNotExistError("connection was closed"),
            ConnectionRefusedError(111, "Connect call failed"),
            sqlite3.OperationalError("database is locked"),
        ],
    )
    async def test_a_database_that_is_away_is_a_503(self, app, api, error: Exception):
        class Away:
            intake = Intake()

            async def accept(self, *_: Any) -> None:
                raise error

        app.state.runtime = make.changed(app.state.runtime, acceptor=Away())
        answer = await post(api, BODY)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert answer.json()["error"]["code"] == "unavailable"
        assert "111" not in answer.text
