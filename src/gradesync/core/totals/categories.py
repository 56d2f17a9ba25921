"""Name the categories that a cause of differing totals is about, as each side has them."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from gradesync.core.gradebook import Gradebook
from gradesync.core.totals.causes import Cell
from gradesync.core.totals.formula import PERCENT, Formula, Part, grade_groups, round_half_up

BY_POINTS, BY_PERCENT, EQUAL_WEIGHT = "by points", "by percent", "equal weight"
# A percent before its rounding is shown with so many decimals more.
BEYOND = 2


def list_weights(
    gradebook: Gradebook, used: Collection[str], ours: Formula, theirs: Formula
) -> Iterator[Cell]:
    """List the categories among `used` that do not weigh the same on both sides."""
    for category in gradebook.categories:
        source = (ours.weights or {}).get(category.id)
        group = theirs.groups.get(category.id, category.id)
        sis = None if theirs.weights is None else theirs.weights.get(group, Fraction(0))
        if category.id in used and source is not None and source != sis:
            shown = _show_weight(source) if gradebook.weighted else EQUAL_WEIGHT
            held = BY_POINTS if sis is None else _show_weight(sis)
            yield Cell("", category.title, shown, held, category=category.id)


def list_percents(gradebook: Gradebook, used: Collection[str], ours: Formula) -> Iterator[Cell]:
    """List the categories among `used` that count by percent in the source."""
    for category in gradebook.categories:
        if category.id in ours.by_percent and category.id in used:
            yield Cell("", category.title, BY_PERCENT, BY_POINTS, category=category.id)


def list_rounded(
    gradebook: Gradebook, parts: Iterable[Part], theirs: Formula, decimals: int
) -> Iterator[Cell]:
    """List the categories whose percent the SIS rounds, before and after, by the scores that it holds."""
    held = list(parts)
    exact, rounded = grade_groups(held, replace(theirs, decimals=None)), grade_groups(held, theirs)
    used = {part.category for part in held}
    for category in gradebook.categories:
        group = theirs.groups.get(category.id, category.id)
        if category.id in used and group in exact and exact[group] != rounded[group]:
            before = _show_percent(exact[group], decimals + BEYOND)
            after = _show_percent(rounded[group], decimals)
            yield Cell("", category.title, before, after, category=category.id)


def _show_percent(grade: Fraction, decimals: int) -> str:
    return f"{Decimal(round_half_up(grade * PERCENT * 10**decimals)).scaleb(-decimals):f}%"


def _show_weight(weight: Fraction) -> str:
    return f"weight {(Decimal(weight.numerator) / Decimal(weight.denominator)).normalize():f}"
