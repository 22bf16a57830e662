"""Context tags in their tree, and the filters of messages."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.matching.context import (
    DEEPEST,
    Context,
    check_context,
    check_tree,
    compile_context,
)
from callboard.matching.sending import (
    USUAL,
    Sending,
    check_sending,
    compile_sending,
)
from callboard.matching.subject import Subject
from callboard.matching.verdict import Verdict
from tests import make

# 1 ─┬─ 3 ─┬─ 5 ─── 51
#    │     └─ 7
#    └─ 4
TREE = {"r.3": "r.1", "r.4": "r.1", "r.5": "r.3", "r.7": "r.3", "r.51": "r.5"}


def context(*filters: str, but: tuple[str, ...] = ()) -> Context:
    """`r.3+` is the tag with all below it."""
    found = [{"tag": f.rstrip("+"), "includeChildren": "+" in f} for f in filters]
    return msgspec.convert({"filters": found, "exclusions": but}, Context)


def judged(
    wanted: Context, *tags: str, tree: Mapping[str, str] = TREE
) -> Verdict | None:
    compiled = compile_context(wanted, tree)
    if compiled is None:
        return None
    subject = Subject("{}", make.NOW, context=tags)
    verdict = compiled.explain(subject)
    assert verdict.passes == compiled.passes(subject)
    return verdict


@pytest.mark.parametrize(
    ("wanted", "tags", "passes"),
    [
        (context("r.3+"), ["r.7"], True),
        (context("r.3"), ["r.7"], False),
        (context("r.3+", but=("r.7",)), ["r.7"], False),
        (context("r.3"), ["r.3"], True),
        (context("r.3+"), ["r.51"], True),
        (context("r.3+"), ["r.4"], False),
        (context("r.3+"), ["r.1"], False),
        (context("r.3+"), ["elsewhere"], False),
        (context("r.3+"), [], False),
        (context("r.3+"), ["r.4", "r.7"], True),
        (context("r.3+", but=("r.5",)), ["r.51"], False),
        (context("r.3+", "r.51", but=("r.5",)), ["r.51"], True),
        (context("r.3+", but=("r.5",)), ["r.5", "r.7"], True),
        (context("r.3+", but=("r.3",)), ["r.3"], False),
        (context("*", but=("r.5",)), ["r.7"], True),
        (context("*", but=("r.5",)), ["r.51"], False),
        (context("*", but=("r.5",)), [], True),
        (context(but=("r.5",)), ["r.4"], True),
        (context(but=("r.5",)), ["r.5"], False),
        (context(but=("r.5",)), [], True),
    ],
)
def test_which_branches_of_the_tree_are_wanted(wanted, tags, passes):
    verdict = judged(wanted, *tags)
    assert verdict is not None
    assert verdict.passes == passes


@pytest.mark.parametrize("wanted", [Context(), context("*"), context("*", "r.3")])
def test_who_wants_everything_is_asked_nothing(wanted):
    assert judged(wanted) is None


@pytest.mark.parametrize(
    ("wanted", "tags", "why"),
    [
        (context("r.3+"), ["r.7"], "it is in r.7, below r.3"),
        (context("r.3"), ["r.3"], "it is in r.3"),
        (
            context("r.3+", "r.9"),
            ["r.4"],
            "it is in r.4, and only r.3 with all below it or r.9 is wanted",
        ),
        (
            context("r.3+"),
            [],
            "it has no context tag, and only r.3 with all below it is wanted",
        ),
        (
            context("r.3+", but=("r.5",)),
            ["r.51"],
            "it is in r.51, below r.5, which is excluded",
        ),
        (context(but=("r.5",)), ["r.5"], "it is in r.5, which is excluded"),
        (
            context(*[f"t{n}" for n in range(9)]),
            ["x"],
            "it is in x, and only t0, t1, t2, t3 or 5 more is wanted",
        ),
    ],
)
def test_why_a_branch_is_wanted_or_not(wanted, tags, why):
    verdict = judged(wanted, *tags)
    assert verdict is not None
    assert verdict.why == why


TAGS = st.sampled_from(["a", "b", "c", "d", "e"])


@st.composite
def trees(draw: Any) -> dict[str, str]:
    """Each tag's parent comes before it, so there is no circle."""
    names = ["a", "b", "c", "d", "e"]
    return {
        tag: names[draw(st.integers(0, place - 1))]
        for place, tag in enumerate(names)
        if place and draw(st.booleans())
    }


def naive(tag: str, wanted: Context, tree: dict[str, str]) -> bool:
    """By marking the whole tree from its roots down."""
    parent = tree.get(tag)
    inherited = naive_below(parent, wanted, tree) if parent else not wanted.filters
    if tag in wanted.exclusions:
        return False
    return inherited or any(each.tag == tag for each in wanted.filters)


def naive_below(tag: str, wanted: Context, tree: dict[str, str]) -> bool:
    if tag in wanted.exclusions:
        return False
    if any(each.tag == tag and each.include_children for each in wanted.filters):
        return True
    parent = tree.get(tag)
    return naive_below(parent, wanted, tree) if parent else not wanted.filters


@given(
    tree=trees(),
    filters=st.lists(st.tuples(TAGS, st.sampled_from(["", "+"])).map("".join)),
    but=st.lists(TAGS, max_size=2).map(tuple),
    tags=st.lists(TAGS, min_size=1, max_size=3),
)
def test_it_agrees_with_marking_the_whole_tree(tree, filters, but, tags):
    wanted = context(*filters, but=but)
    verdict = judged(wanted, *tags, tree=tree)
    expected = any(naive(tag, wanted, tree) for tag in tags)
    assert expected == (verdict is None or verdict.passes)


def test_a_tree_is_refused_with_every_problem():
    assert check_tree([("r.7", "r.3"), ("r.3", None)], "tags") == []
    assert check_tree([("r.7", "r.3")], "tags") == [], "a parent need not be listed"
    found = check_tree(
        [("a", "b"), ("b", "a"), ("x y", None), ("c", None), ("c", "d"), ("e", "")],
        "tags",
    )
    assert [(p.field, p.code) for p in found] == [
        ("tags.2.tag", "tag"),
        ("tags.4.tag", "twice"),
        ("tags.5.parent", "tag"),
        ("tags.0.parent", "circle"),
        ("tags.1.parent", "circle"),
    ]


def test_a_tree_may_be_deep_but_not_without_end():
    deep = [(f"t{n + 1}", f"t{n}") for n in range(DEEPEST)]
    assert check_tree(deep[1:], "tags") == []
    (problem,) = check_tree(deep, "tags")
    assert problem.code == "circle"


def test_the_tags_of_a_webhook_are_checked():
    found = check_context(context("ok", "*", "a b", but=("*", "x" * 129)))
    assert [p.field for p in found] == [
        "context.filters.2",
        "context.exclusions.0",
        "context.exclusions.1",
    ]
    (many,) = check_context(context(*["a"] * 201))
    assert many.field == "context.filters"


# ── message filters ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "sending", "kind", "passes", "why"),
    [
        (USUAL, "campaign", "news", False, "its sending is campaign, not unitary"),
        (USUAL, "unitary", "news", True, "its sending is unitary"),
        (USUAL, None, None, True, ""),
        (USUAL, None, "news", False, "its sending is not said, not unitary"),
        (
            Sending(modes=("batch", "campaign")),
            "unitary",
            None,
            False,
            "its sending is unitary, not batch or campaign",
        ),
        (Sending(modes=("batch", "unitary")), "batch", None, True, "its sending is ba"),
        (Sending(kinds=("news",)), "batch", "offer", False, "its kind is offer, not n"),
        (Sending(kinds=("news",)), "batch", "news", True, "its kind is news"),
        (Sending(kinds=("news",)), "batch", None, False, "its kind is not said, not n"),
        (
            Sending(kinds=("news",), modes=("batch",)),
            "batch",
            "news",
            True,
            "its kind is news and its sending is batch",
        ),
    ],
)
def test_which_messages_are_wanted(wanted, sending, kind, passes, why):
    compiled = compile_sending(wanted)
    assert compiled is not None
    subject = Subject("{}", make.NOW, sending=sending, kind=kind)
    verdict = compiled.explain(subject)
    assert verdict.passes == compiled.passes(subject) == passes
    assert verdict.why.startswith(why)


def test_message_filters_are_checked():
    assert compile_sending(Sending()) is None
    found = check_sending(Sending(kinds=("", "x" * 81, "ok"), modes=("unitary", "all")))
    assert [p.field for p in found] == [
        "sending.kinds.0",
        "sending.kinds.1",
        "sending.modes.1",
    ]
