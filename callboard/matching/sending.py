"""Message filters: which kinds of messages, and how they were sent.

They concern events about messages, which say their kind or how they were sent; all
other events pass. Source: 004_5532c3945a0336e9.txt, where by default all kinds are
wanted, sent to one contact.
"""

from dataclasses import dataclass

import msgspec

from callboard.errors import Problem
from callboard.matching.anchors import Anchor
from callboard.matching.subject import Subject
from callboard.matching.values import listed, quoted
from callboard.matching.verdict import Verdict

MODES = ("unitary", "batch", "campaign")
LONGEST_KIND = 80
MOST_KINDS = 100


class Sending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Empty lists stand for every kind and every mode."""

    kinds: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()


USUAL = Sending(modes=("unitary",))


@dataclass(frozen=True, slots=True)
class Messages:
    kinds: frozenset[str]
    modes: frozenset[str]

    @property
    def title(self) -> str:
        return "message filter"

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        return ()

    def passes(self, subject: Subject) -> bool:
        if subject.kind is None and subject.sending is None:
            return True
        return (not self.kinds or subject.kind in self.kinds) and (
            not self.modes or subject.sending in self.modes
        )

    def explain(self, subject: Subject) -> Verdict:
        if subject.kind is None and subject.sending is None:
            return Verdict(True, "")  # it has nothing to say of what is no message
        facts = (
            ("kind", subject.kind, self.kinds),
            ("sending", subject.sending, self.modes),
        )
        met = []
        for name, value, wanted in facts:
            found = f"its {name} is {'not said' if value is None else quoted(value)}"
            if wanted and value not in wanted:
                words = listed([quoted(each) for each in sorted(wanted)], "or")
                return Verdict(False, f"{found}, not {words}")
            met += [found] if wanted else []
        return Verdict(True, listed(met))


def compile_sending(wanted: Sending) -> Messages | None:
    """None where everything is wanted."""
    if not (wanted.kinds or wanted.modes):
        return None
    return Messages(frozenset(wanted.kinds), frozenset(wanted.modes))


def check_sending(wanted: Sending) -> list[Problem]:
    problems = check_kinds(wanted.kinds, "sending.kinds")
    text = f"Choose from {listed(MODES)}."
    return problems + [
        Problem(f"sending.modes.{place}", "unknown", text)
        for place, mode in enumerate(wanted.modes)
        if mode not in MODES
    ]


def check_kinds(kinds: tuple[str, ...], field: str) -> list[Problem]:
    if len(kinds) > MOST_KINDS:
        return [Problem(field, "too_many", f"List at most {MOST_KINDS} kinds.")]
    text = f"Write a kind such as newsletter, in at most {LONGEST_KIND} characters."
    return [
        Problem(f"{field}.{place}", "kind", text)
        for place, kind in enumerate(kinds)
        if not (0 < len(kind) <= LONGEST_KIND and kind.isprintable())
    ]
