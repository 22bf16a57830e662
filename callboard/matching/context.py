"""Context: which branches of the account's tag tree a webhook wants events from.

An event names the tags that it belongs to. Going from a tag up the tree, the nearest
one that the webhook mentions decides; where it is mentioned twice, the exclusion does.
An event passes with one tag that is wanted. `*` wants all, also events without a tag.
Source: 001_d3445312b08aee35.txt; that an exclusion reaches below its tag is ours.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from callboard.errors import Problem
from callboard.matching.anchors import Anchor
from callboard.matching.subject import Subject
from callboard.matching.values import listed
from callboard.matching.verdict import Verdict

EVERYTHING = "*"
LONGEST_TAG = 128
MOST_FILTERS = 200
DEEPEST = 50

_SHOWN = 5


class TagFilter(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"
):
    """`includeChildren`: also what is below the tag, however deep."""

    tag: str
    include_children: bool = False


class Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without filters every event is wanted that no exclusion keeps out."""

    filters: tuple[TagFilter, ...] = ()
    exclusions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Branches:
    """A context, compiled; `parents`: the tag above each tag of the tree."""

    wanted: Context
    exact: frozenset[str]
    whole: frozenset[str]
    excluded: frozenset[str]
    everything: bool
    parents: Mapping[str, str]

    @property
    def title(self) -> str:
        return "context"

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        return ()

    def passes(self, subject: Subject) -> bool:
        if not subject.context:
            return self.everything
        return any(self._judge(tag)[0] for tag in subject.context)

    def explain(self, subject: Subject) -> Verdict:
        verdicts = [Verdict(*self._judge(tag)) for tag in subject.context]
        for verdict in verdicts:
            if verdict.passes:
                return verdict
        if verdicts:
            return verdicts[0]
        found = "it has no context tag"
        if self.everything:
            return Verdict(True, found)
        return Verdict(False, f"{found}, and only {_shown(self.wanted)} is wanted")

    def _judge(self, tag: str) -> tuple[bool, str]:
        """Whether a tag is wanted, and why."""
        if tag in self.exact and tag not in self.excluded:
            return True, f"it is in {tag}"
        for above in climb(tag, self.parents):
            where = f"it is in {tag}" + (f", below {above}" if above != tag else "")
            if above in self.excluded:
                return False, f"{where}, which is excluded"
            if above in self.whole:
                return True, where
        if self.everything:
            return True, f"it is in {tag}"
        return False, f"it is in {tag}, and only {_shown(self.wanted)} is wanted"


def compile_context(wanted: Context, parents: Mapping[str, str]) -> Branches | None:
    """None where everything is wanted."""
    tags = {each.tag for each in wanted.filters}
    whole = {each.tag for each in wanted.filters if each.include_children}
    everything = EVERYTHING in tags or not tags
    if everything and not wanted.exclusions:
        return None
    return Branches(
        wanted,
        frozenset(tags),
        frozenset(whole),
        frozenset(wanted.exclusions),
        everything,
        parents,
    )


def check_context(wanted: Context) -> list[Problem]:
    """A tag need not be in the tree: events may name any."""
    problems = []
    for name, tags in (
        ("filters", [each.tag for each in wanted.filters]),
        ("exclusions", list(wanted.exclusions)),
    ):
        if len(tags) > MOST_FILTERS:
            text = f"List at most {MOST_FILTERS} tags."
            problems.append(Problem(f"context.{name}", "too_many", text))
            continue
        for place, tag in enumerate(tags):
            if tag != EVERYTHING or name == "exclusions":
                problems += check_tag(tag, f"context.{name}.{place}")
    return problems


def check_tag(tag: str, field: str) -> list[Problem]:
    if 0 < len(tag) <= LONGEST_TAG and tag.isprintable() and not set(tag) & set(" ,*"):
        return []
    text = (
        f"Write a tag such as region.7: at most {LONGEST_TAG} characters,"
        " without spaces, commas and *."
    )
    return [Problem(field, "tag", text)]


def check_tree(tags: Iterable[tuple[str, str | None]], field: str) -> list[Problem]:
    """Pairs of tag and parent. A parent need not be listed: then it is a root."""
    problems, parents = [], dict[str, str]()
    pairs = list(tags)
    seen = set[str]()
    for place, (tag, parent) in enumerate(pairs):
        where = f"{field}.{place}"
        problems += check_tag(tag, f"{where}.tag")
        problems += check_tag(parent, f"{where}.parent") if parent is not None else []
        if tag in seen:
            text = f"{tag} is listed twice: a tag has one place in the tree."
            problems.append(Problem(f"{where}.tag", "twice", text))
        elif parent is not None:
            parents[tag] = parent
        seen.add(tag)
    for place, (tag, _) in enumerate(pairs):
        if len(list(climb(tag, parents))) > DEEPEST:
            text = f"{tag} stands below itself, or more than {DEEPEST} levels deep."
            problems.append(Problem(f"{field}.{place}.parent", "circle", text))
    return problems


def climb(tag: str, parents: Mapping[str, str]) -> Iterator[str]:
    """The tag and those above it; a little further than a tree may be deep."""
    at: str | None = tag
    for _ in range(DEEPEST + 1):
        if at is None:
            return
        yield at
        at = parents.get(at)


def _shown(wanted: Context) -> str:
    words = [
        f"{each.tag} with all below it" if each.include_children else each.tag
        for each in wanted.filters
    ]
    return listed(words, "or", _SHOWN)
