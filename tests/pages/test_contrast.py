"""Every text is read in both themes: WCAG 2.1 AA, reckoned from the style sheet."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parent.parent.parent / "static" / "app.css").read_text()
TOKENS = {
    name: pair
    for name, *pair in re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)", CSS
    )
}
TEXT, SHAPE = 4.5, 3.0
STATES = ("delivered", "waiting", "trying", "failed", "held")
GROUNDS = ("ground", "raised", "sunken", "rail")
PAIRS = [
    *((ink, on, TEXT) for ink in ("ink", "quiet", "accent", *STATES) for on in GROUNDS),
    *((f"{state}-fill", on, SHAPE) for state in STATES for on in GROUNDS),
    *(("edge", on, SHAPE) for on in GROUNDS),
    *((state, f"{state}-soft", TEXT) for state in STATES),
    *((ink, f"{state}-soft", TEXT) for ink in ("ink", "quiet") for state in STATES),
    *(("failed", f"{state}-soft", TEXT) for state in STATES),
    *((ink, "accent-soft", TEXT) for ink in ("ink", "quiet", "accent")),
    *(("#ffffff", on, TEXT) for on in ("accent-fill", "accent-hover")),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_what_is_written_stands_out(ink: str, ground: str, least: float, theme: int):
    dim, bright = sorted(_brightness(each, theme) for each in (ink, ground))
    assert (bright + 0.05) / (dim + 0.05) >= least


def test_nothing_that_can_be_read_is_made_fainter():
    faint = [float(each) for each in re.findall(r"opacity: (0?\.\d+)", _at_rest())]
    assert [each for each in faint if each < 0.7] == []


def _at_rest() -> str:
    """The rules but those for what is disabled or under way."""
    rules = re.findall(r"[^{}]+\{[^{}]*\}", CSS)
    passing = ("[disabled]", "htmx-request")
    return "".join(rule for rule in rules if not any(each in rule for each in passing))


def _brightness(color: str, theme: int) -> float:
    """Relative luminance, as WCAG has it."""
    digits = color if color.startswith("#") else TOKENS[color][theme]
    digits = digits[1:] if len(digits) > 4 else "".join(2 * each for each in digits[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    ]
    red, green, blue = linear
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
