import json
from collections import Counter

import pytest

from callboard.catalogue import presets
from callboard.catalogue.schemas import check_data, compile_schema
from callboard.errors import NotFound
from callboard.matching.patterns import check_type_name

TYPES = [
    pytest.param(event_type, id=f"{name}: {event_type.name}")
    for name in presets.names()
    for event_type in presets.load(name).event_types
]


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_introduces_itself(name):
    preset = presets.load(name)
    assert preset.name == name
    assert preset.title
    assert preset.vendor.endswith(".")
    counts = Counter(event_type.name for event_type in preset.event_types)
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("event_type", TYPES)
def test_each_type_is_ready_for_use(event_type):
    assert check_type_name(event_type.name) == []
    assert event_type.group
    assert event_type.description.endswith(".")
    validator = compile_schema(json.dumps(event_type.schema))
    assert check_data(validator, event_type.sample) == []


@pytest.mark.parametrize("event_type", TYPES)
def test_schemas_let_a_projects_own_fields_pass(event_type):
    validator = compile_schema(json.dumps(event_type.schema))
    assert check_data(validator, event_type.sample | {"more": {"of": ["it"]}}) == []
    assert check_data(validator, {}) != []


def test_the_events_of_dialog_insight():
    found = {
        event_type.name: event_type.group
        for event_type in presets.load("dialoginsight").event_types
    }
    assert found == {
        "contact_added": "Contact",
        "contact_modified": "Contact",
        "contact_optin": "Contact",
        "contact_optout": "Contact",
        "contact_quarantine": "Contact",
        "contact_complaint": "Contact",
        "sending_Bounce": "Message",
        "sending_ProductionError": "Message",
    }


def test_only_types_about_messages_name_kinds_of_them():
    found = presets.load("dialoginsight").event_types
    assert all(bool(each.kinds) == (each.group == "Message") for each in found)


@pytest.mark.parametrize("name", ["", "nope", "../secrets", "dialog_insight"])
def test_an_unknown_preset_is_answered_with_the_known_ones(name):
    with pytest.raises(NotFound, match="dialoginsight"):
        presets.load(name)
