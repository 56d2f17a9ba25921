"""Draw pairs of equal gradebooks with planted differences, and compute both totals in another, plain way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import TypeAlias

from gradesync.core.fit import Pairing
from gradesync.core.gradebook import EXCUSED, Assignment, Category, Gradebook, Mark, Score, Student
from gradesync.core.ledger import LedgerAssignment
from gradesync.core.rules import Rulebook
from gradesync.core.sis import LiveAssignment, LiveGradebook, Policy, Ref, Spec
from gradesync.core.totals.causes import Cause
from gradesync.core.totals.sides import Sides, SisSetup
from harness.gradebooks import CAPABILITIES, SECTION

UID, KEY = "501", "81"
Row: TypeAlias = tuple[Fraction, Fraction, Fraction]
FIRST, LAST = date(2026, 1, 5), date(2026, 3, 31)
IN, AFTER = date(2026, 2, 10), date(2026, 5, 4)


@dataclass(slots=True)
class DrawnItem:
    """Describe one item as both sides have it; `sis_score` is what the SIS holds, `sent` what it was sent."""

    id: str
    category: str
    points: Decimal
    score: Score
    sis_score: Decimal | None
    sent: Decimal | None
    factor: Decimal = Decimal(1)
    sis_due: date = IN
    in_source: bool = True
    in_sis: bool = True


@dataclass(slots=True)
class Drawn:
    """Describe a pair of gradebooks of one student."""

    items: list[DrawnItem]
    weights: dict[str, Decimal]
    sis_weights: dict[str, Decimal]
    by_percent: set[str] = field(default_factory=set)
    dropped: dict[str, int] = field(default_factory=dict)
    sis_dropped: dict[str, int] = field(default_factory=dict)
    decimals: int | None = None

    def sides(self) -> Sides:
        """Return the pair as the product reads it."""
        return Sides(
            gradebook=self._gradebook(),
            ledger={item.id: _remember(item) for item in self.items if item.in_source and item.in_sis},
            live=LiveGradebook(
                tuple(_list(item) for item in self.items if item.in_sis),
                scores={f"r{item.id}": {KEY: item.sis_score} for item in self.items if item.in_sis},
            ),
            book=self._rules(),
            students={UID: KEY},
            period="p1",
            setup=SisSetup(
                weights={f"k{k}": w for k, w in self.sis_weights.items()},
                dropped={f"k{k}": n for k, n in self.sis_dropped.items()},
                decimals=self.decimals,
            ),
        )

    def _rules(self) -> Rulebook:
        pairs = {category: Ref(f"k{category}") for category in self.weights}
        return Rulebook(SECTION, Pairing(pairs, {}, {}), replace(CAPABILITIES, score_decimals=4), Policy())

    def _gradebook(self) -> Gradebook:
        return Gradebook(
            section_id="7900000001",
            section_code="85001",
            from_sis=True,
            students={UID: Student(UID, "e1", "1_81")},
            course_admins=frozenset(),
            categories=tuple(
                Category(key, key, key in self.by_percent, self.dropped.get(key, 0), weight)
                for key, weight in self.weights.items()
            ),
            periods={"p1": LAST},
            period_starts={"p1": FIRST},
            assignments=tuple(_assign(item) for item in self.items if item.in_source),
            cells={item.id: {UID: item.score} for item in self.items if item.in_source},
            full=True,
            weighted=True,
        )


def _assign(item: DrawnItem) -> Assignment:
    return Assignment(item.id, f"Item {item.id}", item.points, IN, item.category, "p1", item.factor)


def _specify(item: DrawnItem) -> Spec:
    return Spec(f"Item {item.id}", item.points, item.sis_due, Ref(f"k{item.category}"))


def _remember(item: DrawnItem) -> LedgerAssignment:
    return LedgerAssignment(item.id, Ref(f"r{item.id}"), _specify(item), {KEY: item.sent})


def _list(item: DrawnItem) -> LiveAssignment:
    return LiveAssignment(Ref(f"r{item.id}"), f"Item {item.id}", item.sis_due, _specify(item), item.in_source)


def draw(random: Random) -> Drawn:
    """Draw a pair that is equal on both sides: several categories, each with two items at least."""
    items: list[DrawnItem] = []
    categories = "abc"[: random.randint(2, 3)]
    for category in categories:
        for _ in range(random.randint(2, 3)):
            points = Decimal(random.choice((8, 10, 16, 20, 40)))
            score = points * random.randint(8, 16) / 16
            items.append(DrawnItem(str(len(items) + 1), category, points, score, score, score))
    weights = {category: Decimal(random.choice((10, 20, 30, 50))) for category in categories}
    return Drawn(items, weights, dict(weights))


def draw_odd(random: Random) -> Drawn:
    """Draw a pair with equal percents, extra credit, scores above the maximum, and categories without items.

    Weights come to any sum, also to none. Both sides drop alike.
    """
    categories = "abcd"[: random.randint(1, 4)]
    items: list[DrawnItem] = []
    for number in range(random.randint(0, 8)):
        points = Decimal(random.choice((0, 5, 10, 10, 20)))
        of_points = [points * share for share in (Decimal("0.5"), Decimal("0.5"), 1, Decimal("1.5"))]
        score = random.choice([None, Decimal(0), Decimal(3), *of_points])
        items.append(DrawnItem(str(number), random.choice(categories), points, score, score, score))
    weights = {category: Decimal(random.choice((0, 10, 25, 33, 50))) for category in categories}
    dropped = {category: random.randint(0, 3) for category in categories}
    return Drawn(
        items,
        weights,
        dict(weights),
        by_percent={category for category in categories if random.random() < 0.3},
        dropped=dropped,
        sis_dropped=dropped,
        decimals=random.choice((None, 0, 1, 2)),
    )


def _lower(score: Score) -> Decimal:
    assert isinstance(score, Decimal)
    return score / 4


def _omit(pair: Drawn, item: DrawnItem) -> None:
    item.in_sis = False


def _postpone(pair: Drawn, item: DrawnItem) -> None:
    item.sis_due = AFTER


def _drop(pair: Drawn, item: DrawnItem) -> None:
    pair.dropped[item.category] = 1


def _multiply(pair: Drawn, item: DrawnItem) -> None:
    item.factor = Decimal(3)


def _reweigh(pair: Drawn, item: DrawnItem) -> None:
    pair.sis_weights[item.category] += 35


def _count_percents(pair: Drawn, item: DrawnItem) -> None:
    pair.by_percent.add(item.category)


def _excuse(pair: Drawn, item: DrawnItem) -> None:
    item.score, item.sis_score, item.sent = Mark(EXCUSED), Decimal(0), Decimal(0)


def _change(pair: Drawn, item: DrawnItem) -> None:
    item.score = _lower(item.score)


def _edit(pair: Drawn, item: DrawnItem) -> None:
    item.sis_score = _lower(item.score)


def _add_there(pair: Drawn, item: DrawnItem) -> None:
    score = _lower(item.score)
    key = f"9{len(pair.items)}"
    pair.items.append(DrawnItem(key, item.category, item.points, score, score, score, in_source=False))


def _round_score(pair: Drawn, item: DrawnItem) -> None:
    assert isinstance(item.score, Decimal)
    item.score += Decimal("0.00004")


def _round_categories(pair: Drawn, item: DrawnItem) -> None:
    pair.decimals = 0


PLANTS: Mapping[Cause, Callable[[Drawn, DrawnItem], None]] = {
    Cause.NOT_SENT: _omit,
    Cause.OTHER_PERIOD: _postpone,
    Cause.DROPPED: _drop,
    Cause.FACTOR: _multiply,
    Cause.WEIGHT: _reweigh,
    Cause.CALCULATION: _count_percents,
    Cause.EXCUSED: _excuse,
    Cause.UNSYNCED: _change,
    Cause.CHANGED_IN_SIS: _edit,
    Cause.ONLY_IN_SIS: _add_there,
    Cause.ROUNDED: _round_score,
    Cause.CATEGORY_ROUNDING: _round_categories,
}


def plant(seed: int, causes: Sequence[Cause | None]) -> Drawn:
    """Draw the pair of a seed with these causes planted, each on an item of its own; None plants nothing."""
    random = Random(seed)
    pair = draw(random)
    for cause, item in zip(causes, random.sample(pair.items, 2), strict=False):
        if cause is not None:
            PLANTS[cause](pair, item)
    return pair


def add_up(pair: Drawn, *, sis: bool) -> Fraction | None:
    """Return a side's total: category by category, as the help pages describe it."""
    total = weights = Fraction(0)
    for category, weight in (pair.sis_weights if sis else pair.weights).items():
        rows = [row for item in pair.items if item.category == category and (row := _read(item, sis=sis))]
        rows = _keep(rows, (pair.sis_dropped if sis else pair.dropped).get(category, 0))
        if category in pair.by_percent and not sis:
            rows = [row for row in rows if row[1]]
            earned, possible = sum(by(r[2], r[0]) / r[1] for r in rows), sum(r[2] for r in rows)
        else:
            earned, possible = sum(by(r[2], r[0]) for r in rows), sum(by(r[2], r[1]) for r in rows)
        if not possible:
            continue
        part = Fraction(earned) / possible
        if sis and pair.decimals is not None:
            scaled = part * 100 * 10**pair.decimals
            halves = 2 * scaled.numerator + scaled.denominator
            part = Fraction(halves // (2 * scaled.denominator), 100 * 10**pair.decimals)
        total, weights = total + Fraction(weight) * part, weights + Fraction(weight)
    return 100 * total / weights if weights else None


def _keep(rows: list[Row], dropped: int) -> list[Row]:
    """Return the rows without the lowest percents, of equal ones the most points; never without the last."""
    graded = sorted((row for row in rows if row[1]), key=lambda row: (row[0] / row[1], -row[1]))
    extra = [row for row in rows if not row[1]]
    return extra + graded[min(dropped, max(0, len(graded) - 1)) :]


def by(factor: Fraction, points: Fraction) -> Fraction:
    return points if factor == 1 else factor * points


def _read(item: DrawnItem, *, sis: bool) -> Row | None:
    """Return the points earned, the points possible and the factor of an item that counts."""
    counted = (item.in_sis and item.sis_due <= LAST) if sis else item.in_source
    score = item.sis_score if sis else item.score
    if not counted or not isinstance(score, Decimal):
        return None
    return Fraction(score), Fraction(item.points), Fraction(1 if sis else item.factor)
