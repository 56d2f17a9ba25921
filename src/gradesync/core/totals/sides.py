"""Hold both sides of a section for its totals: what the source shows, what the SIS holds, and its set-up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from gradesync.core.fit import ScoreFitter
from gradesync.core.gradebook import Assignment, Gradebook
from gradesync.core.ledger import Ledger, LedgerAssignment
from gradesync.core.rules import Roster, Rulebook, Verdict, judge_assignments
from gradesync.core.sis import LiveAssignment, LiveGradebook, LiveScores, id_order
from gradesync.core.totals.formula import Formula

SIS_ONLY = "sis:"


class SisFormula(StrEnum):
    """Name the documented ways in which a SIS computes a term's grade (upstream.md PowerSchool §7)."""

    TOTAL_POINTS = "total-points"
    CATEGORY_WEIGHTS = "category-weights"


@dataclass(frozen=True, slots=True)
class SisSetup:
    """Hold what a person knows of the SIS's grade set-up, which no SIS shows; None where it is not known.

    `weights` and `dropped` are by SIS category key. `first` and `last` are the days of the reporting term.
    `decimals` are those to which it rounds the percent of a category.
    """

    weights: Mapping[str, Decimal] | None = None
    dropped: Mapping[str, int] | None = None
    first: date | None = None
    last: date | None = None
    decimals: int | None = None


class Term(NamedTuple):
    """Hold the first and the last day of the SIS's reporting term."""

    first: date
    last: date

    def holds(self, day: date | None) -> bool:
        """Return True for a day in the term."""
        return day is not None and self.first <= day <= self.last


class Column(NamedTuple):
    """Hold one item as both sides have it; one that only the SIS has, has no `assignment`.

    `key` identifies it on both sides: the source's id, or the SIS's own behind a prefix.
    """

    key: str
    assignment: Assignment | None
    entry: LedgerAssignment | None
    live: LiveAssignment | None
    scores: LiveScores | None
    verdict: Verdict | None

    @property
    def title(self) -> str:
        """Return the name of the item."""
        if self.assignment is not None:
            return self.assignment.title
        return self.live.name if self.live is not None else ""

    @property
    def readable(self) -> bool:
        """Return True where the scores that the SIS holds were read."""
        return self.scores is not None


@dataclass(frozen=True)
class Sides:
    """Hold a section as both systems have it, for one grading period of the source (None: for all).

    `gradebook` has all cells. `live` has the scores that could be read. `students` maps uid -> SIS key.
    """

    gradebook: Gradebook
    ledger: Ledger
    live: LiveGradebook
    book: Rulebook
    students: Mapping[str, str]
    period: str | None = None
    setup: SisSetup = field(default_factory=SisSetup)

    @cached_property
    def term(self) -> Term:
        """Return the SIS's reporting term: as a person gave it, else the days of the grading period."""
        section, book = self.book.section, self.gradebook
        period = self.period or ""
        first = self.setup.first or book.period_starts.get(period) or section.term_first
        last = self.setup.last or book.periods.get(period) or section.term_last
        return Term(first, last)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Return every item of either side, in the order of the ids."""
        return tuple(sorted(self._list_columns(), key=lambda column: id_order(column.key)))

    def _list_columns(self) -> Iterator[Column]:
        listed = {live.ref.key: live for live in self.live.assignments}
        verdicts = judge_assignments(self.gradebook, self.ledger, self.book)
        known = {}
        for assignment in self.gradebook.assignments:
            entry = self.ledger.get(assignment.id)
            key = entry.ref.key if entry and entry.ref else ""
            known[key] = assignment.id
            scores = self.live.scores.get(key)
            verdict = verdicts[assignment.id]
            yield Column(assignment.id, assignment, entry, listed.get(key), scores, verdict)
        for key, live in listed.items():
            if key not in known:
                yield Column(SIS_ONLY + key, None, None, live, self.live.scores.get(key), None)

    @cached_property
    def roster(self) -> Roster:
        """Return the students, and where their scores are in the SIS."""
        return Roster.of(self.gradebook, self.students)

    @cached_property
    def fitter(self) -> ScoreFitter:
        """Return what fits scores to the SIS."""
        return ScoreFitter.of(self.book.capabilities, self.book.policy)

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """Map each category of the source to the key of its SIS category, where it has one."""
        return {category: ref.key for category, ref in self.book.pairing.pairs.items()}

    def find_category(self, key: str) -> str:
        """Return the category of the source that goes to a SIS category; one of its own where none does."""
        known = sorted((each for each, group in self.groups.items() if group == key), key=id_order)
        return known[0] if known else SIS_ONLY + key

    @cached_property
    def source_formula(self) -> Formula:
        """Return how the source computes the total of a grading period (upstream.md Schoology §2.10)."""
        categories = self.gradebook.categories
        weights = {
            each.id: Fraction(each.weight or 0) if self.gradebook.weighted else Fraction(1)
            for each in categories
        }
        return Formula(
            weights,
            by_percent=frozenset(each.id for each in categories if each.by_percent),
            dropped={each.id: each.drop_lowest for each in categories if each.drop_lowest},
        )

    def sis_formula(self, kind: SisFormula) -> Formula:
        """Return how the SIS computes it. Weights that nobody gave are taken to be those of the source."""
        own = {live.spec.category.key for live in self.live.assignments if live.spec is not None}
        groups = {**self.groups, **{self.find_category(key): key for key in own}}
        weights = None
        if kind is SisFormula.CATEGORY_WEIGHTS:
            given = self.setup.weights
            weights = self._assume_weights() if given is None else {k: Fraction(w) for k, w in given.items()}
        return Formula(
            weights,
            groups=groups,
            dropped=dict(self.setup.dropped or {}),
            drop_groups=groups,
            decimals=self.setup.decimals if kind is SisFormula.CATEGORY_WEIGHTS else None,
        )

    def _assume_weights(self) -> Mapping[str, Fraction]:
        weights: dict[str, Fraction] = {}
        for category, weight in (self.source_formula.weights or {}).items():
            group = self.groups.get(category)
            if group is not None:
                weights[group] = weights.get(group, Fraction(0)) + weight
        return weights


def choose_period(gradebook: Gradebook, today: date) -> str | None:
    """Return the grading period that a day is in, of those that have items: of several the one to end first.

    Of a day outside of them all, it is the last one that had begun. None where no item has a period.
    """
    used = {item.period_id for item in gradebook.assignments} & gradebook.periods.keys()
    periods = sorted((gradebook.periods[each], each) for each in used if each is not None)
    running = [each for last, each in periods if last >= today]
    return next(iter(running), periods[-1][1] if periods else None)
