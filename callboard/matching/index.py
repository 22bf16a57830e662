"""Which of many webhooks an event passes the filters of.

The data is read once; of filters with anchors, only those are asked whose rarest one
the event has; and equal filters, which are one object, are asked once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from callboard.matching.anchors import Anchor, Key, Reach
from callboard.matching.filters import Filters
from callboard.matching.subject import Subject

W = TypeVar("W")


class Index(Generic[W]):
    def __init__(
        self, webhooks: Iterable[W], filters_of: Callable[[W], Filters | None]
    ) -> None:
        self._webhooks = tuple(webhooks)
        self._filters = tuple([filters_of(each) for each in self._webhooks])
        self._all_pass = not any(self._filters)
        self._asked: list[int] = []
        self._anchored: dict[Reach, dict[Key, list[int]]] = {}
        anchors = [filters.anchors if filters else () for filters in self._filters]
        common = Counter(each for found in anchors for each in found)
        for place, found in enumerate(anchors):
            rarest = min(found, key=lambda each: common[each], default=None)
            self._add(place, rarest)

    def passing(self, subject: Subject) -> tuple[W, ...]:
        """In the order they were given."""
        if self._all_pass:
            return self._webhooks
        known: dict[int, bool] = {}
        places = sorted({*self._asked, *self._found(subject)})
        return tuple(
            [self._webhooks[p] for p in places if self._passes(p, subject, known)]
        )

    def _add(self, place: int, anchor: Anchor | None) -> None:
        if anchor is None:
            self._asked.append(place)
            return
        table = self._anchored.setdefault(anchor.reach, {})
        for key in anchor.keys:
            table.setdefault(key, []).append(place)

    def _found(self, subject: Subject) -> Iterator[int]:
        for reach, table in self._anchored.items():
            for key in reach.keys(subject):
                yield from table.get(key, ())

    def _passes(self, place: int, subject: Subject, known: dict[int, bool]) -> bool:
        filters = self._filters[place]
        if filters is None:
            return True
        verdict = known.get(id(filters))
        if verdict is None:
            verdict = known[id(filters)] = filters.passes(subject)
        return verdict
