"""The catalogue of event types, from a ready one or made by hand."""

from callboard.catalogue import event_types
from callboard.catalogue.tables import EventType
from tests import make
from tests.engine import TYPE, Engine
from tests.pages.signed_in import seen

FORM = {
    "name": "order.paid",
    "group": "Order",
    "description": "Money has arrived.",
    "sample": '{"id": 4711}',
    "schema": '{"type": "object", "required": ["id"]}',
}


async def test_a_ready_catalogue_is_installed_with_one_button(alice, cast):
    page = seen(await alice.get("/catalogue"))
    assert "The catalogue is empty." in page
    assert "Install 8 event types" in page
    await alice.post("/catalogue/presets/dialoginsight")
    page = seen(await alice.get("/catalogue"))
    assert "contact_added" in page
    assert "Installed" in page
    await alice.post("/catalogue/presets/dialoginsight")
    await alice.post("/catalogue/presets/nix", status=404)


async def test_an_event_type_is_added_shown_changed_and_deleted(alice, cast):
    assert "Add event type" in seen(await alice.get("/catalogue/new"))
    answer = await alice.post("/catalogue/new", FORM)
    assert answer.headers["Location"] == "/catalogue/order.paid"
    page = await alice.get("/catalogue/order.paid")
    assert "Money has arrived." in seen(page)
    assert "4711" in seen(page)
    assert "no webhook yet" in seen(page)
    sample = await alice.part("/catalogue/order.paid/sample")
    assert "4711" in sample.text
    assert "Money" not in sample.text
    form = FORM | {"description": "Paid in full."}
    await alice.post("/catalogue/order.paid/edit", form)
    assert "Paid in full." in seen(await alice.get("/catalogue?q=PAID"))
    assert "Delete order.paid?" in seen(await alice.get("/catalogue/order.paid/delete"))
    await alice.post("/catalogue/order.paid/delete")
    await alice.get("/catalogue/order.paid", 404)


async def test_all_problems_come_at_once_with_what_was_typed(alice, cast):
    wrong = FORM | {"name": "order paid", "sample": "{", "schema": '{"type": "nix"}'}
    answer = await alice.post("/catalogue/new", wrong, 422)
    assert "joined by dots" in seen(answer)
    assert "Write the sample as JSON." in seen(answer)
    assert "At /type : " in seen(answer)
    assert 'value="order paid"' in answer.text
    assert "Money has arrived." in answer.text
    assert not await EventType.exists()


async def test_a_name_is_there_once(alice, cast):
    await alice.post("/catalogue/new", FORM)
    answer = await alice.post("/catalogue/new", FORM, 422)
    assert "There is an event type order.paid already." in seen(answer)


async def test_one_that_webhooks_listen_to_stays(alice, engine: Engine):
    await engine.webhook(name="CRM", events=(TYPE,))
    assert "CRM" in seen(await alice.get(f"/catalogue/{TYPE}"))
    answer = await alice.post(f"/catalogue/{TYPE}/delete", status=409)
    assert f"Webhooks still listen to {TYPE}: CRM." in seen(answer)


async def test_is_searched_as_one_types(alice, cast):
    for name in ("order.paid", "contact.created"):
        await make.event_type(cast.alice.account, name)
    part = await alice.part("/catalogue?q=pai")
    assert "order.paid" in part.text
    assert "contact.created" not in part.text
    assert "<html" not in part.text
    assert "No event type matches" in seen(await alice.get("/catalogue?q=nix"))


async def test_charlie_finds_none_of_it(charlie, engine: Engine):
    for path in ("", "/sample", "/edit", "/delete"):
        await charlie.get(f"/catalogue/{TYPE}{path}", 404)
    for path in ("/edit", "/delete"):
        await charlie.post(f"/catalogue/{TYPE}{path}", FORM | {"name": TYPE}, 404)
    assert "The catalogue is empty." in seen(await charlie.get("/catalogue"))


async def test_a_viewer_reads_only(viewer, engine: Engine, cast):
    assert "Edit" not in seen(await viewer.get(f"/catalogue/{TYPE}"))
    await viewer.get("/catalogue/new", 403)
    for path in ("/new", f"/{TYPE}/edit", f"/{TYPE}/delete", "/presets/dialoginsight"):
        await viewer.post(f"/catalogue{path}", FORM, 403)
    assert len(await event_types.listed(cast.alice.account)) == 1


async def test_what_a_type_declares_is_typed_line_by_line(alice, cast):
    declared = {
        "placeholders": "orderNumber: data.id",
        "fields": "lines: on_demand\ncustomer: relation",
        "kinds": "newsletter\ninvoice",
    }
    await alice.post("/catalogue/new", FORM | declared)
    row = await event_types.get(cast.alice.account, "order.paid")
    assert row.placeholders == '{"orderNumber":"data.id"}'
    assert row.fields == '{"lines":"on_demand","customer":"relation"}'
    assert row.kinds == '["newsletter","invoice"]'
    page = seen(await alice.get("/catalogue/order.paid"))
    assert "${orderNumber} data.id" in page
    assert "customer only its id, unless a webhook includes it" in page
    assert "newsletter, invoice" in page
    form = (await alice.get("/catalogue/order.paid/edit")).text
    assert "lines: on_demand\ncustomer: relation</textarea>" in form
    wrong = FORM | {"name": "b", "placeholders": "id: data.id", "fields": "a: nix"}
    page = seen(await alice.post("/catalogue/new", wrong, 422))
    assert "${id} means something already" in page
    assert "Choose one of on_demand, relation, translated." in page
