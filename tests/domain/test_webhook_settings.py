"""Settings go into a row and come back."""

from dataclasses import fields

from callboard.webhooks.settings import SETTINGS, NewWebhook, columns, settings_of
from callboard.webhooks.tables import Webhook

OTHERS = NewWebhook(
    url="https://receiver.example/",
    events=("contact.*", "order.paid"),
    name="CRM",
    app="crm",
    headers={"X-Env": "prod"},
    signing="none",
    success=(200, 202),
    schedule=(60, 600),
    timeout=7,
    rate_per_second=2.5,
    concurrency=3,
    ordered=True,
    hold_days=9,
    deactivate_after=None,
    recipients=("ops@example.org",),
    notify=("failing",),
)


def test_each_setting_comes_back_as_it_was_chosen() -> None:
    assert settings_of(Webhook(**columns(OTHERS))) == OTHERS


def test_each_setting_has_a_column_of_its_name() -> None:
    assert set(SETTINGS) <= {column._meta.name for column in Webhook._meta.columns}


def test_the_secret_is_no_column_of_its_own() -> None:
    new = NewWebhook(url="https://receiver.example/", events=("*",), secret="s")
    assert settings_of(Webhook(**columns(new))).secret is None
    assert [f.name for f in fields(NewWebhook) if f.name not in SETTINGS] == ["secret"]
