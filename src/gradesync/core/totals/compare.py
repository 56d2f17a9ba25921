"""Compare a student's total in both systems: list what differs, by cause, and explain the difference."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from gradesync.core.fit import round_points
from gradesync.core.gradebook import EXCEPTION_NAMES, EXCUSED, INCOMPLETE, MISSING, UNTOUCHED, Mark, Score
from gradesync.core.ledger import points_of
from gradesync.core.reasons import Reason
from gradesync.core.rules import Stop
from gradesync.core.sis import Spec
from gradesync.core.totals.categories import list_percents, list_rounded, list_weights
from gradesync.core.totals.causes import Cause, Cell, Change, Explanation, apply_changes, explain
from gradesync.core.totals.formula import Formula, Part, find_dropped
from gradesync.core.totals.sides import Column, Sides, SisFormula

_NO_SCORE = "no score"


def explain_total(sides: Sides, uid: str, kind: SisFormula) -> Explanation:
    """Explain why a student's total in the SIS, by one of its formulas, is not the source's.

    Scores that could not be read count as they were last sent.
    """
    found = _Differences(sides, uid)
    for column in sides.columns:
        found.add_column(column)
    found.add_formulas(sides.source_formula, sides.sis_formula(kind))
    return explain(found.parts, sides.source_formula, found.changes, found.cells)


@dataclass(slots=True)
class _Differences:
    """Collect the parts of one student's total as the source has them, and what differs in the SIS."""

    sides: Sides
    uid: str
    parts: list[Part] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    cells: dict[Cause, list[Cell]] = field(default_factory=dict)

    def add_column(self, column: Column) -> None:
        """Add one item, with what differs about it."""
        ours, theirs = self._counts_in_source(column), self._counts_in_sis(column)
        if not (ours or theirs):
            return
        part = self._make_part(column, counted=ours)
        self.parts.append(part)
        if not ours:
            cause, reason = self._explain_extra(column)
            change = Change(cause, part.id, "counted", True)
            self._note(column, change, None, _show(part.earned), reason)
        elif not theirs:
            cause, reason = self._explain_lack(column)
            change = Change(cause, part.id, "counted", False)
            self._note(column, change, _show(part.earned), None, reason)
        else:
            self._compare_score(column, part)
            self._compare_columns(column, part)

    def _counts_in_source(self, column: Column) -> bool:
        item = column.assignment
        return (
            item is not None
            and item.counts
            and item.category_id is not None
            and not item.collected_only
            and item.max_points is not None
            and self.sides.period in {None, item.period_id}
        )

    def _counts_in_sis(self, column: Column) -> bool:
        live = column.live
        if live is None or live.spec is None or not live.takes_points:
            return False
        return live.spec.counts and self.sides.term.holds(live.due)

    def _make_part(self, column: Column, *, counted: bool) -> Part:
        """Return an item as the source has it; as the SIS has it where the source does not count it."""
        item, live = column.assignment, column.live
        if counted and item is not None:
            possible = Fraction(item.max_points or 0)
            category = item.category_id or ""
            return Part(column.key, category, possible, self._earned(column), Fraction(item.factor))
        spec = _require_spec(live.spec if live else None)
        category = self.sides.find_category(spec.category.key)
        earned = _fraction(points_of(self._held(column)))
        return Part(column.key, category, Fraction(spec.points), earned, counted=False)

    def _cell(self, column: Column) -> Score:
        """Return what the source has of this student; a blank where the item is not assigned to them."""
        item = column.assignment
        if item is None or (item.assignees is not None and self.uid not in item.assignees):
            return None
        cell = self.sides.gradebook.cells.get(item.id, {}).get(self.uid)
        return None if cell is UNTOUCHED else cell

    def _earned(self, column: Column) -> Fraction | None:
        cell = self._cell(column)
        uncounted = isinstance(cell, Mark) and cell.exception in {EXCUSED, INCOMPLETE}
        return None if uncounted else _fraction(points_of(cell))

    def _key(self) -> str:
        key = self.sides.roster.find(self.uid)
        return "" if isinstance(key, Stop) else key

    def _held(self, column: Column) -> Score:
        """Return what the SIS holds of this student: where it was not read, what was last sent."""
        key = self._key()
        if column.scores is not None:
            return column.scores.get(key)
        return column.entry.sent.get(key) if column.entry is not None else None

    def _explain_extra(self, column: Column) -> tuple[Cause, str | None]:
        """Return why the SIS counts an item that the source does not, and the reason of its rule."""
        item = column.assignment
        if item is None:
            return Cause.ONLY_IN_SIS, None
        if self.sides.period not in {None, item.period_id}:
            return Cause.OTHER_PERIOD, None
        stop = column.verdict.stop if column.verdict else None
        return self._blame_column(column), stop.reason if stop else None

    def _explain_lack(self, column: Column) -> tuple[Cause, str | None]:
        """Return why the SIS does not count an item that the source does, and the reason of its rule."""
        live, entry = column.live, column.entry
        if entry is not None and entry.ref is not None and entry.ref.key in self.sides.live.gone:
            return Cause.CHANGED_IN_SIS, None
        if live is None or entry is None:
            stop = column.verdict.stop if column.verdict else None
            problem = entry.problem if entry else None
            return Cause.NOT_SENT, stop.reason if stop else problem
        if live.spec is not None and not self.sides.term.holds(live.due):
            return Cause.OTHER_PERIOD, None
        return self._blame_column(column), None if live.takes_points else Reason.SIS_SCORE_TYPE

    def _blame_column(self, column: Column) -> Cause:
        """Distinguish a setting that waits for the next sync from one that was changed in the SIS."""
        sent = column.entry.spec if column.entry else None
        held = column.live.spec if column.live else None
        unchanged = sent is not None and held is not None and _settings(sent) == _settings(held)
        return Cause.UNSYNCED if unchanged else Cause.CHANGED_IN_SIS

    def _compare_columns(self, column: Column, part: Part) -> None:
        """Compare the settings of an item that both count: total points, category, factor."""
        spec = _require_spec(column.live.spec if column.live else None)
        cause = self._blame_column(column)
        points = Fraction(spec.points)
        if points != part.possible:
            change = Change(cause, part.id, "possible", points)
            self._note(column, change, f"{_show(part.possible)} points", f"{_show(points)} points")
        if self.sides.groups.get(part.category) != spec.category.key:
            category = self.sides.find_category(spec.category.key)
            self._note(column, Change(cause, part.id, "category", category), None, None)
        if part.factor != 1:
            change = Change(Cause.FACTOR, part.id, "factor", Fraction(1))
            self._note(column, change, f"factor {_show(part.factor)}", "factor 1")

    def _compare_score(self, column: Column, part: Part) -> None:
        held = self._held(column)
        theirs = _fraction(points_of(held))
        if theirs == part.earned:
            return
        cause, reason = self._blame_score(column, part.earned, held)
        cell = self._cell(column)
        change = Change(cause, part.id, "earned", theirs)
        self._note(column, change, _show_score(cell), _show_score(held), reason)

    def _blame_score(self, column: Column, ours: Fraction | None, held: Score) -> tuple[Cause, str | None]:
        """Return why a student's score differs, and the reason of the rule that kept it back."""
        cell, theirs = self._cell(column), _fraction(points_of(held))
        marked = isinstance(cell, Mark) and cell.exception in {EXCUSED, MISSING}
        excused = isinstance(held, Mark) and held.exception == EXCUSED
        if {ours, theirs} == {None, Fraction(0)} and (marked or excused):
            return Cause.EXCUSED, None
        if isinstance(cell, Decimal) and self._round(cell) == points_of(held):
            return Cause.ROUNDED, None
        entry = column.entry
        sent = entry.sent.get(self._key()) if entry is not None else None
        if points_of(held) != points_of(sent):
            return Cause.CHANGED_IN_SIS, None
        reason = self._find_hindrance(column, cell)
        return (Cause.NOT_SENT, reason) if reason else (Cause.UNSYNCED, None)

    def _round(self, points: Decimal) -> Decimal:
        return round_points(points, self.sides.fitter.decimals)

    def _find_hindrance(self, column: Column, cell: Score) -> str | None:
        """Return the reason that keeps a score from the SIS; None where the next sync would send it."""
        key = self.sides.roster.find(self.uid)
        if isinstance(key, Stop):
            return key.reason
        fitted = self.sides.fitter.fit(cell)
        owed = column.entry.owed.get(self.uid) if column.entry else None
        stop = column.verdict.stop if column.verdict else None
        return fitted.stop or (owed.reason if owed else None) or (stop.reason if stop else None)

    def add_formulas(self, ours: Formula, theirs: Formula) -> None:
        """Add what differs between the two formulas."""
        gradebook, used = self.sides.gradebook, {part.category for part in self.parts}
        if ours.dropped or theirs.dropped:
            self.changes += _whole(Cause.DROPPED, theirs, "dropped", "drop_groups")
            self.cells[Cause.DROPPED] = list(self._list_dropped(ours, theirs))
        if ours.by_percent:
            self.changes += _whole(Cause.CALCULATION, theirs, "by_percent")
            self.cells[Cause.CALCULATION] = list(list_percents(gradebook, used, ours))
        if not _weigh_alike(ours, theirs):
            self.changes += _whole(Cause.WEIGHT, theirs, "weights", "groups")
            self.cells[Cause.WEIGHT] = list(list_weights(gradebook, used, ours, theirs))
        if theirs.decimals is not None:
            self.changes += _whole(Cause.CATEGORY_ROUNDING, theirs, "decimals")
            held, _ = apply_changes(self.parts, theirs, self.changes)
            self.cells[Cause.CATEGORY_ROUNDING] = list(list_rounded(gradebook, held, theirs, theirs.decimals))

    def _list_dropped(self, ours: Formula, theirs: Formula) -> Iterator[Cell]:
        """List the scores that one side alone drops."""
        held, _ = apply_changes(self.parts, theirs, self.changes)
        here, there = find_dropped(self.parts, ours), find_dropped(held, theirs)
        for column in self.sides.columns:
            source, sis = _show_score(self._cell(column)), _show_score(self._held(column))
            if column.key in here - there:
                yield Cell(column.key, column.title, f"{source}, dropped", sis)
            elif column.key in there - here:
                yield Cell(column.key, column.title, source, f"{sis}, dropped")

    def _note(
        self,
        column: Column,
        change: Change,
        source: str | None,
        sis: str | None,
        reason: str | None = None,
    ) -> None:
        self.changes.append(change)
        cell = Cell(column.key, column.title, source, sis, reason)
        self.cells.setdefault(change.cause, []).append(cell)


def _weigh_alike(ours: Formula, theirs: Formula) -> bool:
    """Return True where each category has a group of its own with the same weight."""
    if ours.weights is None or theirs.weights is None or len({*theirs.groups.values()}) < len(theirs.groups):
        return False
    weights, groups = theirs.weights, theirs.groups
    return all(weights.get(groups.get(each, "")) == weight for each, weight in ours.weights.items())


def _whole(cause: Cause, formula: Formula, *names: str) -> list[Change]:
    return [Change(cause, None, name, getattr(formula, name)) for name in names]


def _settings(spec: Spec) -> tuple[Decimal, str, bool]:
    return spec.points, spec.category.key, spec.counts


def _require_spec(spec: Spec | None) -> Spec:
    # What counts in the SIS has one: see `_counts_in_sis`.
    if spec is None:
        raise ValueError("the item of the SIS could not be understood")
    return spec


def _fraction(points: Decimal | None) -> Fraction | None:
    return None if points is None else Fraction(points)


def _show(value: Fraction | None) -> str:
    """Show points that came from a decimal."""
    if value is None:
        return _NO_SCORE
    return f"{Decimal(value.numerator) / Decimal(value.denominator):f}"


def _show_score(score: Score) -> str:
    if isinstance(score, Mark):
        name = EXCEPTION_NAMES.get(score.exception)
        return name or _show(_fraction(score.points))
    return _show(_fraction(score))
