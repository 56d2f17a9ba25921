"""Describe what the SIS holds and what it can hold, in the words of the domain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias
from unicodedata import normalize

from gradesync.core.gradebook import Score


def fold_name(name: str) -> str:
    """Return the form in which names are compared: NFC, trimmed, single spaces inside."""
    # Most names are in that form already, and every name of a section is compared.
    return " ".join(name.split()) if name.isascii() else normalize("NFC", " ".join(name.split()))


def is_cut(stored: str, sent: str) -> bool:
    """Return True where a stored name is only the beginning of the name that was sent."""
    start, whole = fold_name(stored), fold_name(sent)
    return bool(start) and start != whole and whole.startswith(start)


def name_as_sent(live: str, last: str | None, shown: str | None, wanted: str) -> str:
    """Return the name that a live one stands for: the wanted one, the last one that was sent, or itself.

    `shown` is as in the ledger.
    """
    if live == last:  # stored to the letter
        return live
    if fold_name(live) == fold_name(wanted):
        return wanted
    if last is None or not (is_cut(live, last) if shown is None else live == shown):
        return last if last is not None and fold_name(live) == fold_name(last) else live
    # A SIS that cuts names would cut this one alike.
    return wanted if shown and is_cut(live, last) and is_cut(live, wanted) else last


def id_order(key: str) -> tuple[int, str]:
    """Return the sort key of an id: numbers in the order of their value, although they are text."""
    return len(key), key


@dataclass(frozen=True, slots=True)
class Ref:
    """Identify a thing in the SIS.

    `key` is its identity: equal keys name the same thing. `value` is JSON for the target alone:
    whatever it needs to address the thing.
    """

    key: str
    value: Mapping[str, object] = field(default_factory=dict, compare=False)

    def is_other(self, before: "Ref") -> bool:
        """Return True where it names another thing, or addresses the same one otherwise."""
        return (self.key, self.value) != (before.key, before.value)


@dataclass(frozen=True, slots=True)
class SisCategory:
    """Describe a category of the SIS. `active` is False where the SIS takes no new assignments for it.

    `takes_all`: it stands for a SIS that has no categories of its own, and takes every source category.
    """

    ref: Ref
    title: str
    active: bool = True
    takes_all: bool = False


@dataclass(frozen=True, slots=True)
class SisSection:
    """Describe the SIS section that a source section is linked to.

    `ref.value` holds what the target needs (acting teacher, term). Dates are inclusive. `teacher_until` is
    the last day on which the acting teacher teaches it, None where that was never read.
    """

    ref: Ref
    term_first: date
    term_last: date
    teacher_until: date | None = None


# Name, in the form in which names are compared, and due date: two assignments of a section that have both in
# common clash in the SIS (R29).
Slot: TypeAlias = tuple[str, date | None]


def fold_case(slot: Slot) -> Slot:
    """Return a name and due date without regard to letter case: such names may clash in a SIS too."""
    name, due = slot
    return name.casefold(), due


def fold_slot(name: str, due: date | None) -> Slot:
    """Return a name and due date as they are compared without regard to letter case."""
    return fold_case((fold_name(name), due))


class Spec(NamedTuple):
    """Describe what is sent of an assignment (R1), already fitted to what the SIS can hold."""

    name: str
    points: Decimal
    due: date
    category: Ref
    counts: bool = True

    @property
    def slot(self) -> Slot:
        return fold_name(self.name), self.due


class LiveAssignment(NamedTuple):
    """Describe an assignment as the SIS lists it.

    `spec` is None where a field could not be understood. `name` and `due` stand even then.
    `ours`: made by our plugin. `shared`: it holds other sections too. `locked`: the SIS refuses edits.
    `takes_points`: its scores are points, and not percents, letters or marks of what was handed in.
    """

    ref: Ref
    name: str
    due: date | None
    spec: Spec | None
    ours: bool
    shared: bool = False
    locked: bool = False
    takes_points: bool = True

    @property
    def slot(self) -> Slot:
        return fold_name(self.name), self.due


# SIS student key -> score as the SIS holds it now; a student without a score is absent. Marks are among them
# only where they may be ours.
LiveScores: TypeAlias = Mapping[str, Score]


@dataclass(frozen=True, slots=True)
class LiveGradebook:
    """Hold what the SIS holds for one section now.

    `assignments` is its list. `gone` are keys of refs that were asked for by id and found deleted.
    `scores` maps a ref key to its scores where they were read; an absent key means *unreadable* or not read.
    `held` maps the keys of refs that belong to another section's assignment to words that name that one.
    """

    assignments: tuple[LiveAssignment, ...]
    gone: frozenset[str] = frozenset()
    scores: Mapping[str, LiveScores] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)


PADDED_MAX = 32  # digits: no SIS pads its numbers to more


def normalize_number(text: str) -> str | None:
    """Return the one written form of an id that is a number: digits without leading zeros; None for no id."""
    return (text.lstrip("0") or "0") if text.isascii() and text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Describe what one kind of SIS can hold and do. Limits are data: the core branches on nothing else.

    `whole_points`: total points must be whole. `clears`: a score that was sent can be made blank again.
    `excuses`: an excused score stands as excused, and not as a blank, whatever the district's policy.
    `writes_at_once`: so many assignments are written at the same time. `refuses_absent`: it takes no score
    of a student who is not in its section, and changes none. `numbers`: ids of sections and students are
    numbers, so several texts may be one id. `ignores_case`: names that differ in letter case alone may be
    one name to it.
    """

    name_max: int
    points_max: Decimal
    score_decimals: int
    score_max: Decimal
    has_counts: bool
    exception_flags: frozenset[int]
    rows_per_write: int
    reads_scores: bool
    whole_points: bool = False
    clears: bool = True
    excuses: bool = False
    writes_at_once: int = 1
    refuses_absent: bool = True
    numbers: bool = False
    ignores_case: bool = False

    def normalize_id(self, text: str | None) -> str | None:
        """Return the one written form of an id that a person or a pattern named; other texts stay."""
        return (normalize_number(text) or text) if text and self.numbers else text

    def list_texts(self, key: str) -> list[str]:
        """Return all texts under which an id may be stored: earlier releases kept zeros before a number."""
        padded = range(len(key) + 1, PADDED_MAX + 1) if self.numbers else ()
        return [key, *(key.rjust(length, "0") for length in padded)]


# What becomes of a score that somebody changed in the SIS: today's rules (`report`), every sync puts it right
# (`restore`), a person decides (`ask`), or it stays until Schoology changes (`yield`).
DriftPolicy: TypeAlias = Literal["report", "restore", "ask", "yield"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Hold what a district chose. Defaults are the product's promise to teachers.

    `mean_shift`: points of percent by which one assignment may move a class average without a warning.
    `history_years`: school years before the current one of which the history of scores is kept.
    `late_approval`: what would change after the end of a section's term waits for a second person.
    """

    shorten_titles: bool = False
    many_to_one: bool = False
    exception_flags: bool = False
    service_sync: bool = False
    admin_sync: bool = False
    take_over: bool = False
    runs: bool = False
    schedules: bool = False
    guard_share: Decimal = Decimal("0.3")
    guard_scores: int = 50
    guard_assignments: int = 5
    drift: DriftPolicy = "report"
    compare_nightly: bool = False
    late_approval: bool = False
    history_years: int = 1
    mean_shift: Decimal = Decimal(15)
