"""Share the difference of two totals among its causes, by their Shapley values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import factorial
from typing import Any, NamedTuple

from gradesync.core.totals.formula import Formula, Part, compute_total


class Cause(StrEnum):
    """Name why two totals differ."""

    NOT_SENT = "not-sent"
    UNSYNCED = "unsynced-change"
    EDITED = "edited-in-sis"
    ONLY_IN_SIS = "only-in-sis"
    OTHER_PERIOD = "other-grading-period"
    EXCUSED = "excused-against-zero"
    ROUNDED = "score-rounded"
    DROPPED = "dropped-lowest"
    FACTOR = "factor"
    CALCULATION = "calculation"
    WEIGHT = "category-weight"
    CATEGORY_ROUNDING = "category-rounding"


class Change(NamedTuple):
    """Describe one step from the source's side to the SIS's: a field of a part, or of the formula (None)."""

    cause: Cause
    part: str | None
    field: str
    value: Any  # of the field's type


class Cell(NamedTuple):
    """Name one item that a cause is about, as each side has it; `reason` is a code of the catalog."""

    assignment: str
    title: str
    source: str | None = None
    sis: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """Hold one cause: what it adds to the SIS's total in points of percent, and the items it is about.

    `worth` is None where one of the sides has no total.
    """

    cause: Cause
    worth: Fraction | None
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Hold both totals in percent, None where there is none, and the causes of their difference.

    The worths add up to the difference.
    """

    source: Fraction | None
    sis: Fraction | None
    shares: tuple[Share, ...]

    @property
    def difference(self) -> Fraction | None:
        """Return what the SIS's total has more; None where one side has none."""
        return None if self.source is None or self.sis is None else self.sis - self.source


def explain(
    parts: Sequence[Part],
    formula: Formula,
    changes: Sequence[Change],
    cells: Mapping[Cause, Sequence[Cell]],
) -> Explanation:
    """Explain what the changes make of a total.

    A cause that changes nothing, alone or beside any of the others, is not named. The order of causes has no
    influence: each gets its mean effect over all orders, which is its Shapley value.
    """
    causes = sorted({change.cause for change in changes})
    totals = [
        compute_total(*_apply(parts, formula, [c for c in changes if mask >> causes.index(c.cause) & 1]))
        for mask in range(1 << len(causes))
    ]
    known = totals[0] is not None and totals[-1] is not None
    shares = [
        Share(cause, _share(totals, index, len(causes)) if known else None, tuple(cells.get(cause, ())))
        for index, cause in enumerate(causes)
        if _has_effect(totals, index)
    ]
    return Explanation(totals[0], totals[-1], tuple(sorted(shares, key=_rank)))


def _apply(
    parts: Sequence[Part], formula: Formula, changes: Sequence[Change]
) -> tuple[Sequence[Part], Formula]:
    fields: dict[str, dict[str, Any]] = {}
    whole: dict[str, Any] = {}
    for change in changes:
        target = whole if change.part is None else fields.setdefault(change.part, {})
        target[change.field] = change.value
    changed = [part._replace(**fields[part.id]) if part.id in fields else part for part in parts]
    return changed, replace(formula, **whole)


def _has_effect(totals: Sequence[Fraction | None], index: int) -> bool:
    bit = 1 << index
    return any(totals[mask] != totals[mask | bit] for mask in range(len(totals)) if not mask & bit)


def _share(totals: Sequence[Fraction | None], index: int, count: int) -> Fraction:
    """Return the Shapley value of one cause. A mixture without any score stands for the source's total."""
    bit, share = 1 << index, Fraction(0)
    base = totals[0] or Fraction(0)
    for mask in range(len(totals)):
        if not mask & bit:
            others = mask.bit_count()
            orders = Fraction(factorial(others) * factorial(count - others - 1), factorial(count))
            without, beside = totals[mask], totals[mask | bit]
            share += orders * ((base if beside is None else beside) - (base if without is None else without))
    return share


def _rank(share: Share) -> tuple[Fraction, str]:
    """Put the largest first."""
    return -abs(share.worth or Fraction(0)), share.cause
