"""Share the difference of two totals among its causes, by their Shapley values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import factorial
from typing import Any, NamedTuple

from gradesync.core.totals.formula import Formula, Part, compute_total

# Of so many causes all orders are taken: 256 totals. The next one would double them.
EXACT_CAUSES = 8


class Cause(StrEnum):
    """Name why two totals differ."""

    NOT_SENT = "not-sent"
    UNSYNCED = "unsynced-change"
    CHANGED_IN_SIS = "changed-in-sis"  # it is not what was sent last: changed, or deleted
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
    """Name one item that a cause is about, as each side has it; `reason` is a code of the catalog.

    Of a whole category there is no `assignment`, and `title` is the category's.
    """

    assignment: str
    title: str
    source: str | None = None
    sis: str | None = None
    reason: str | None = None
    category: str = ""


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

    The worths add up to the difference. `exact`: they are means over all orders of the causes.
    """

    source: Fraction | None
    sis: Fraction | None
    shares: tuple[Share, ...]
    exact: bool = True

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
    influence: each gets its mean effect over all orders, which is its Shapley value. Beyond `EXACT_CAUSES` it
    is the mean over a few orders, in which each cause comes once at every place, forwards and backwards.
    """
    causes = sorted({change.cause for change in changes})
    steps = list(_list_steps(len(causes)))
    everything = (1 << len(causes)) - 1
    totals = {
        mask: compute_total(
            *apply_changes(parts, formula, [c for c in changes if mask >> causes.index(c.cause) & 1])
        )
        for mask in {0, everything} | {step.beside for step in steps}
    }
    known = totals[0] is not None and totals[everything] is not None
    shares = []
    for index, cause in enumerate(causes):
        own = [step for step in steps if step.cause == index]
        if any(totals[step.without] != totals[step.beside] for step in own):
            worth = _share(totals, own) if known else None
            shares.append(Share(cause, worth, tuple(cells.get(cause, ()))))
    exact = len(causes) <= EXACT_CAUSES
    return Explanation(totals[0], totals[everything], tuple(sorted(shares, key=_rank)), exact)


class _Step(NamedTuple):
    """Describe one cause, by number, joining others, by bits; `weight` is its part of that cause's steps."""

    cause: int
    without: int
    weight: Fraction

    @property
    def beside(self) -> int:
        return self.without | (1 << self.cause)


def _list_steps(count: int) -> Iterator[_Step]:
    """Yield the steps over which worths are means: exponentially many, or those of 2 * `count` orders."""
    if count <= EXACT_CAUSES:
        for index in range(count):
            for mask in range(1 << count):
                if not mask >> index & 1:
                    others = mask.bit_count()
                    orders = factorial(others) * factorial(count - others - 1)
                    yield _Step(index, mask, Fraction(orders, factorial(count)))
        return
    turned = [[(first + each) % count for each in range(count)] for first in range(count)]
    orders_taken = [*turned, *(order[::-1] for order in turned)]
    for order in orders_taken:
        mask = 0
        for index in order:
            yield _Step(index, mask, Fraction(1, len(orders_taken)))
            mask |= 1 << index


def apply_changes(
    parts: Sequence[Part], formula: Formula, changes: Sequence[Change]
) -> tuple[Sequence[Part], Formula]:
    """Return the parts and the formula after the changes."""
    fields: dict[str, dict[str, Any]] = {}
    whole: dict[str, Any] = {}
    for change in changes:
        target = whole if change.part is None else fields.setdefault(change.part, {})
        target[change.field] = change.value
    changed = [part._replace(**fields[part.id]) if part.id in fields else part for part in parts]
    return changed, replace(formula, **whole)


def _share(totals: Mapping[int, Fraction | None], steps: Sequence[_Step]) -> Fraction:
    """Return the worth of one cause. A mixture without any score stands for the source's total."""
    base = totals[0] or Fraction(0)
    worth = Fraction(0)
    for step in steps:
        without, beside = totals[step.without], totals[step.beside]
        worth += step.weight * ((base if beside is None else beside) - (base if without is None else without))
    return worth


def _rank(share: Share) -> tuple[Fraction, str]:
    """Put the largest first."""
    return -abs(share.worth or Fraction(0)), share.cause
