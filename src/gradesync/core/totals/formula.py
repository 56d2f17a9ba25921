"""Compute a student's total by the documented formulas, in exact fractions (upstream.md Schoology §2.10)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Final, NamedTuple

PERCENT: Final = 100


class Part(NamedTuple):
    """Describe one graded item of one student.

    `earned` is None without a score that counts. `counted`: the item is part of this total. `factor`
    multiplies what it weighs within its category.
    """

    id: str
    category: str
    possible: Fraction
    earned: Fraction | None
    factor: Fraction = Fraction(1)
    counted: bool = True

    @property
    def grade(self) -> Fraction:
        """Return the part of the possible points that was earned, of a part that has both."""
        return (self.earned or Fraction(0)) / self.possible

    def weigh(self, points: Fraction) -> Fraction:
        """Return points by the factor, which nearly always is 1: exact products take most of the time."""
        return points if self.factor == 1 else self.factor * points


@dataclass(frozen=True, slots=True)
class Formula:
    """Describe how parts become a total.

    `weights` are by group, None where points possible weigh. `groups` name the group of a category that is
    not its own. `by_percent` are the categories that count as the mean of percents. `dropped` is how many of
    the lowest scores do not count, by the group that `drop_groups` names. `decimals` of a percent are kept
    of each group, None for all.
    """

    weights: Mapping[str, Fraction] | None
    groups: Mapping[str, str] = field(default_factory=dict)
    by_percent: frozenset[str] = frozenset()
    dropped: Mapping[str, int] = field(default_factory=dict)
    drop_groups: Mapping[str, str] = field(default_factory=dict)
    decimals: int | None = None


def compute_total(parts: Iterable[Part], formula: Formula) -> Fraction | None:
    """Return the total in percent; None where nothing that weighs has a score."""
    groups = _group_scored(parts, formula)
    earned = possible = Fraction(0)
    for group in sorted(groups):
        grade = _grade_group(groups[group], formula)
        weight = _weigh_group(group, groups[group], formula)
        if grade is not None:
            earned += weight * grade
            possible += weight
    return PERCENT * earned / possible if possible else None


def grade_groups(parts: Iterable[Part], formula: Formula) -> Mapping[str, Fraction]:
    """Return the grade of each group that has one, as a fraction of 1."""
    grades = {group: _grade_group(scored, formula) for group, scored in _group_scored(parts, formula).items()}
    return {group: grade for group, grade in grades.items() if grade is not None}


def find_dropped(parts: Iterable[Part], formula: Formula) -> frozenset[str]:
    """Return the ids of the lowest scores that do not count.

    The lowest is the one of the lowest percent. Extra credit is never dropped, nor the last score of a group.
    """
    groups: dict[str, list[Part]] = {}
    for part in parts:
        if part.counted and part.earned is not None and part.possible > 0:
            groups.setdefault(formula.drop_groups.get(part.category, part.category), []).append(part)
    dropped: set[str] = set()
    for group, members in groups.items():
        count = min(formula.dropped.get(group, 0), len(members) - 1)
        lowest = sorted(members, key=lambda part: (part.grade, -part.possible, part.id))
        dropped.update(part.id for part in lowest[:count])
    return frozenset(dropped)


def _group_scored(parts: Iterable[Part], formula: Formula) -> Mapping[str, Sequence[Part]]:
    """Return the parts that count, by group."""
    scored = [part for part in parts if part.counted and part.earned is not None]
    dropped = find_dropped(scored, formula)
    groups: dict[str, list[Part]] = {}
    for part in scored:
        if part.id not in dropped:
            groups.setdefault(formula.groups.get(part.category, part.category), []).append(part)
    return groups


def _grade_group(parts: Sequence[Part], formula: Formula) -> Fraction | None:
    """Return the grade of a group as a fraction of 1; extra credit alone has none."""
    if any(part.category in formula.by_percent for part in parts):
        rated = [part for part in parts if part.possible > 0]
        earned = sum((part.weigh(part.grade) for part in rated), Fraction(0))
        possible = sum((part.factor for part in rated), Fraction(0))
    else:
        earned = sum((part.weigh(part.earned) for part in parts if part.earned), Fraction(0))
        possible = sum((part.weigh(part.possible) for part in parts), Fraction(0))
    return _round(earned / possible, formula.decimals) if possible > 0 else None


def _weigh_group(group: str, parts: Sequence[Part], formula: Formula) -> Fraction:
    if formula.weights is not None:
        return formula.weights.get(group, Fraction(0))
    return sum((part.weigh(part.possible) for part in parts), Fraction(0))


def _round(grade: Fraction, decimals: int | None) -> Fraction:
    """Round the percent half away from zero."""
    if decimals is None:
        return grade
    scale = PERCENT * 10**decimals
    return Fraction(round_half_up(grade * scale), scale)


def round_half_up(number: Fraction) -> int:
    """Round to the nearest whole number, a half away from zero. No digit of the fraction is lost before."""
    nearest = floor(abs(number) + Fraction(1, 2))
    return nearest if number >= 0 else -nearest
