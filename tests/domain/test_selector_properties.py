"""The selector filter against a naive evaluator, and how much work it may make."""

import json
import re
import sys
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from callboard.matching.selector_syntax import (
    check_filter,
    compile_selectors,
    spellings,
)
from callboard.matching.subject import Subject
from tests import make
from tests.domain.test_selectors import judged

NAMES = st.sampled_from(["a", "b", "Ab", "main", "isMain"])
PATTERNS = st.sampled_from(["1", "true", "x.*", ".*", "[xy]+", "(x|1)"])
SCALARS = st.sampled_from([None, True, False, 1, 11, 1.5, "x", "xy", "1", ""])
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "A", "b", "ab", "main"]), inner)
    ),
    max_leaves=12,
)
STEPS = st.tuples(
    NAMES,
    st.none()
    | st.just("*")
    | NAMES
    | st.tuples(NAMES, PATTERNS).map(lambda pair: "=".join(pair)),
)


def naive(data: Any, path: list[Any], pattern: str) -> bool:
    if not path:
        return matches(data, pattern)
    (name, chosen), rest = path[0], path[1:]
    member = get(data, name)
    if chosen is None:
        return member is not None and naive(member, rest, pattern)
    if not isinstance(member, list):
        return False
    field, _, wanted = chosen.partition("=")
    return any(
        naive(element, rest, pattern)
        for element in member
        if chosen == "*" or matches(get(element, field), wanted or "true")
    )


def get(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        return None
    return next((value[each] for each in spellings(name) if each in value), None)


def matches(value: Any, pattern: str) -> bool:
    if value is None or isinstance(value, dict | list):
        return False
    text = value if isinstance(value, str) else json.dumps(value)
    return re.fullmatch(pattern, text, re.DOTALL) is not None


@given(data=DATA, path=st.lists(STEPS, min_size=1, max_size=3), pattern=PATTERNS)
def test_it_agrees_with_a_naive_evaluator(data, path, pattern):
    steps = [name + (f"({chosen})" if chosen else "") for name, chosen in path]
    verdict = judged(f"{'.'.join(steps)}={pattern}", data)
    assert verdict.passes == naive(data, path, pattern)


@given(st.text(alphabet="a.(*)=;\\[]|{}9 \n", max_size=40))
def test_whatever_is_typed_is_either_refused_or_works(text):
    if not check_filter(text):
        compiled = compile_selectors(text)
        if compiled:
            subject = Subject('{"a": [{"a": "a"}]}', make.NOW)
            assert compiled.passes(subject) == compiled.explain(subject).passes


def calls(act: Callable[[], object]) -> int:
    """How many calls of functions it takes: steps, whatever the clock says."""
    count = 0

    def seen(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(seen)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def test_its_steps_grow_with_the_data_and_no_faster():
    compiled = compile_selectors("l(on).m(k=1.*).v=9")
    assert compiled is not None

    def steps(count: int) -> int:
        inner = [{"k": "10", "v": 1}] * 5
        data = {"l": [{"on": True, "m": inner}] * count}
        subject = Subject(json.dumps(data), make.NOW)
        return calls(lambda: compiled.passes(subject))

    few, more = steps(20), steps(160)
    assert more < few * 8 * 1.1
    assert steps(4000) < steps(2000) * 1.1, "of long lists it looks at a part"


def test_a_pattern_that_makes_others_run_away_ends_at_once():
    assert not judged("a=(a|aa)+(a*)*$", {"a": "a" * 4000 + "b"}).passes
