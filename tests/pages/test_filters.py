"""Filters as a person writes them, sees them work, and reads why an event went by."""

from typing import Any

import pytest

from callboard.catalogue import contexts
from callboard.catalogue.tables import ContextTag, EventType
from callboard.matching.context import Context, TagFilter
from callboard.matching.sending import Sending
from callboard.webhooks import webhooks
from callboard.webhooks.settings import settings_of
from callboard.webhooks.tables import Webhook
from tests import make
from tests.engine import Engine
from tests.pages.forms import FORM
from tests.pages.signed_in import seen
from web.pages.contexts import read_outline, write_outline

FILTERS: dict[str, Any] = {
    "filter": "role=MEMBER",
    "conditions": "status = ACTIVE\nlastName:isnotnull\nage:gte = 18\nage:gte = 16",
    "context_below": "region.3, region.4",
    "context_exact": "region.9",
    "context_but": "region.5",
    "sending_kinds": ["newsletter"],
    "sending_others": "survey, offer",
    "sending_modes": ["unitary"],
}


async def with_kinds() -> None:
    await EventType.update({"kinds": '["newsletter"]'}, force=True)


class TestTheForm:
    async def test_keeps_what_was_typed(self, alice, engine):
        await with_kinds()
        await alice.post("/webhooks/new", FORM | FILTERS)
        (row,) = await Webhook.objects()
        saved = settings_of(row)
        assert saved.filter == "role=MEMBER"
        assert saved.conditions == {
            "status": "ACTIVE",
            "lastName:isnotnull": "",
            "age:gte": "18",
            "3": "age:gte=16",
        }
        below = tuple(TagFilter(tag, True) for tag in ("region.3", "region.4"))
        assert saved.context == Context((*below, TagFilter("region.9")), ("region.5",))
        kinds = ("newsletter", "survey", "offer")
        assert saved.sending == Sending(kinds, ("unitary",))

    async def test_saving_it_again_changes_nothing(self, alice, engine):
        await with_kinds()
        await alice.post("/webhooks/new", FORM | FILTERS)
        (before,) = await Webhook.objects()
        page = await alice.get(f"/webhooks/{before.id}/edit")
        assert "status = ACTIVE\nlastName:isnotnull\nage:gte = 18" in page.text
        assert 'value="region.3 region.4"' in page.text
        settings = await alice.get(f"/webhooks/{before.id}?tab=settings")
        assert "region.3 and all below it" in seen(settings)

    async def test_takes_conditions_as_json(self, alice, engine):
        text = '{"status:in": ["A", "B"], "0": "x:isnull"}'
        await alice.post("/webhooks/new", FORM | {"conditions": text})
        (row,) = await Webhook.objects()
        wanted = {"status:in": ["A", "B"], "0": "x:isnull"}
        assert settings_of(row).conditions == wanted
        page = await alice.get(f"/webhooks/{row.id}/edit")
        assert "status:in" in page.text

    async def test_begins_with_unitary_messages_where_there_are_some(
        self, alice, engine
    ):
        ticked = 'name="sending_modes" value="unitary" checked'
        assert ticked not in (await alice.get("/webhooks/new")).text
        await with_kinds()
        assert ticked in (await alice.get("/webhooks/new")).text

    async def test_the_preview_says_whether_the_event_would_be_sent(
        self, alice, engine
    ):
        passing = await engine.post(b'{"role": "MEMBER"}')
        stopped = await engine.post(b'{"role": "PUBLIC"}')
        form = FORM | {"url": "https://r.example/", "filter": "role=MEMBER"}
        for receipt, why in (
            (passing, "It passes its filter: role is MEMBER."),
            (stopped, "Stopped by its filter: role is PUBLIC, not MEMBER."),
        ):
            chosen = form | {"shown_event": receipt.id}
            part = seen(await alice.post_part("/webhooks/new/preview", chosen))
            assert why in part
            assert ("would not be sent" in part) == (receipt is stopped)

    async def test_tells_each_problem_at_its_field(self, alice, engine):
        wrong = FORM | {
            "filter": "role",
            "conditions": "age:gtx = 1",
            "context_below": "ok",
            "context_exact": "*x",
            "context_but": "y" * 129,
            "sending_others": "z" * 81,
        }
        answer = await alice.post("/webhooks/new", wrong, 422)
        text = seen(answer)
        assert "Expected = at 5" in text
        assert "age:gtx: There is no operator gtx at 5" in text
        assert text.count("Write a tag such as region.7") >= 2
        for name in ("filter", "conditions", "context_exact", "context_but"):
            assert f'id="p-{name}"' in answer.text
        assert 'id="p-context_below"' not in answer.text

    @pytest.mark.parametrize("typed", ["status", '{"a": ', '["a"]', "a = 1\nb"])
    async def test_conditions_that_are_none_are_refused(self, alice, engine, typed):
        answer = await alice.post("/webhooks/new", FORM | {"conditions": typed}, 422)
        assert "Write one condition a line" in seen(answer)


class TestTheTester:
    async def test_says_which_of_the_latest_events_would_pass(
        self, alice, engine: Engine
    ):
        await make.event_type(engine.account, "order.paid")
        await engine.post(b'{"role": "MEMBER"}')
        await engine.post(b'{"role": "PUBLIC"}')
        form = FORM | {"filter": "role=MEMBER", "url": ""}
        part = await alice.post_part("/webhooks/new/tester", form)
        assert "1 of the latest 2 events would pass." in seen(part)
        assert "Stopped by its filter: role is PUBLIC, not MEMBER." in seen(part)
        assert "<html" not in part.text
        other = form | {"events": ["order.paid"]}
        part = await alice.post_part("/webhooks/new/tester", other)
        assert "No event of these types has come yet." in seen(part)

    async def test_works_without_javascript_and_for_a_saved_webhook(
        self, alice, engine: Engine
    ):
        await engine.post(b'{"role": "PUBLIC"}')
        id = await engine.webhook()
        path = f"/webhooks/{id}/edit/tester"
        page = await alice.post(path, FORM | {"filter": "role=P.*"}, 200)
        assert "<html" in page.text
        assert "1 of the latest 1 event would pass." in seen(page)
        assert 'name="filter"' in page.text
        assert settings_of(await webhooks.get(engine.account, id)).filter == ""

    async def test_tells_what_to_mend_first(self, alice, engine):
        form = FORM | {"filter": "role"}
        part = await alice.post_part("/webhooks/new/tester", form, 422)
        assert "can be tried once this is mended" in seen(part)
        assert 'id="live-filter" hx-swap-oob="true"' in part.text
        assert "Expected = at 5" in seen(part)

    async def test_is_not_for_viewers_or_strangers(self, viewer, charlie, engine):
        id = await engine.webhook()
        answer = await viewer.post("/webhooks/new/tester", FORM, 403)
        assert "This needs the role member; yours is viewer." in seen(answer)
        await charlie.post(f"/webhooks/{id}/edit/tester", FORM, 404)


async def test_an_events_page_says_why_each_webhook_did_not_get_it(
    alice, engine: Engine
):
    await engine.webhook(name="Members", filter="addresses(isMain).zipCode=13.*")
    data = b'{"addresses": [{"main": true, "zipCode": "69001"}]}'
    receipt = await engine.post(data, sending="batch", kind="newsletter")
    page = seen(await alice.get(f"/events/{receipt.id}"))
    why = "Stopped by its filter: addresses(isMain).zipCode is 69001, not 13.*."
    assert f"Members {why}" in page
    assert "Kind of message newsletter" in page


async def test_an_events_page_says_why_a_webhook_got_it(alice, engine: Engine):
    await engine.webhook(name="Members", filter="role=M.*")
    receipt = await engine.post(b'{"role": "MEMBER"}')
    page = seen(await alice.get(f"/events/{receipt.id}"))
    assert "It passes its filter: role is MEMBER." in page


class TestTheTree:
    async def test_is_written_as_an_outline(self, alice, engine):
        text = "region.1\n  region.3\n    region.7\n\n  region.4\nshop.1"
        await alice.post("/contexts", {"outline": text}, 303)
        assert await contexts.parents(engine.account) == {
            "region.3": "region.1",
            "region.7": "region.3",
            "region.4": "region.1",
        }
        page = await alice.get("/contexts")
        assert text.replace("\n\n", "\n") in page.text

    async def test_tells_the_line_of_a_problem_and_keeps_what_was_typed(
        self, alice, engine
    ):
        text = "a\n\n  a\n  b c"
        answer = await alice.post("/contexts", {"outline": text}, 422)
        assert "Line 3: a is listed twice" in seen(answer)
        assert "Line 4: Write a tag such as region.7" in seen(answer)
        assert text in answer.text
        assert await ContextTag.count() == 0

    async def test_is_to_look_at_for_viewers(self, viewer, engine):
        assert "outline" not in (await viewer.get("/contexts")).text
        await viewer.post("/contexts", {"outline": "a"}, 403)

    def test_reads_back_what_it_writes(self):
        text = "a\n  b\n    d\n  c\ne"
        _, tags = read_outline(text)
        assert write_outline(tags) == text
        assert read_outline("a\n\tb\n  c")[1] == [*tags_of("a", "ab", "ac")]


def tags_of(*pairs: str) -> list[contexts.Tag]:
    return [contexts.Tag(pair[-1], pair[:-1] or None) for pair in pairs]
