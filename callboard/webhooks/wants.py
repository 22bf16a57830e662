"""Which events a webhook wants by its settings, whatever its state, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from callboard.matching.explain import explain
from callboard.matching.filters import Filters, compile_filters
from callboard.matching.subject import Subject
from callboard.matching.verdict import Verdict
from callboard.webhooks.settings import NewWebhook, filters_of


@dataclass(frozen=True, slots=True)
class Wants:
    """`filters`: None where it wants all events of the types it listens to."""

    events: tuple[str, ...]
    filters: Filters | None

    def explain(self, type: str, subject: Subject) -> Verdict:
        return explain(self.events, self.filters, type, subject)


def wants_of(settings: NewWebhook, parents: Mapping[str, str]) -> Wants:
    """`parents`: the tag above each tag of the account's tree."""
    return Wants(settings.events, compile_filters(filters_of(settings), parents))
