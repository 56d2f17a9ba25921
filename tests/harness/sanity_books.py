"""Draw labeled classes: ordinary ones as teachers grade, and the same with one mistake planted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from gradesync.core.gradebook import Assignment, Gradebook, Mark, Score, Student
from gradesync.core.ledger import LedgerAssignment
from gradesync.core.planner import plan
from gradesync.core.reasons import Reason
from gradesync.core.sanity import CLASS
from gradesync.core.sis import LiveAssignment, LiveGradebook, Ref, Spec
from harness.gradebooks import BOOK, DUE, QUIZZES, gradebook

MISSING = Mark(3, Decimal(0))
ADVICE = (
    Reason.ALL_ZERO,
    Reason.ALL_EQUAL,
    Reason.ALL_ABOVE_TOTAL,
    Reason.ALL_AT_MOST_ONE,
    Reason.COLUMNS_SWAPPED,
    Reason.MEAN_MOVED,
)


@dataclass(slots=True)
class Klass:
    """Hold the columns of one class: what was sent of the earlier ones, and what the next sync sends."""

    totals: list[Decimal]
    sent: list[list[Score]]
    now: list[list[Score]]

    def warnings(self) -> set[Reason]:
        """Return the advice that a sync of this class gives."""
        students = {str(n): Student(str(n), f"e{n}", f"1_{n}") for n in range(len(self.now[0]))}
        items = [Assignment(str(n), f"Quiz {n}", total, DUE, "c1") for n, total in enumerate(self.totals)]
        specs = {item.id: Spec(item.title, item.max_points or Decimal(0), DUE, QUIZZES) for item in items}
        known = {item.id: self._remember(item, specs[item.id]) for item in items[: len(self.sent)]}
        listed = [
            LiveAssignment(entry.ref, spec.name, spec.due, spec, ours=True)
            for entry in known.values()
            if entry.ref and (spec := entry.spec)
        ]
        made = plan(
            self._read(items, students),
            known,
            LiveGradebook(tuple(listed)),
            BOOK,
            {uid: uid for uid in students},
        )
        return {warning for item in made.assignments for warning in item.warnings} & set(ADVICE)

    def _remember(self, item: Assignment, spec: Spec) -> LedgerAssignment:
        column = self.sent[int(item.id)]
        sent = {str(n): Decimal(0) if isinstance(cell, Mark) else cell for n, cell in enumerate(column)}
        return LedgerAssignment(item.id, Ref(f"r{item.id}"), spec, sent)

    def _read(self, items: list[Assignment], students: Mapping[str, Student]) -> Gradebook:
        columns = {item.id: {str(n): c for n, c in enumerate(self.now[int(item.id)])} for item in items}
        return gradebook(assignments=items, columns=columns, students=students)


def draw(random: Random) -> Klass:
    """Draw an ordinary class: abilities, hard and easy items, blanks, missing work, credit for completion."""
    abilities = [min(max(random.gauss(0.82, 0.1), 0.3), 1.0) for _ in range(random.randint(CLASS, 34))]
    count = random.randint(2, 12)
    totals = [Decimal(random.choice((4, 5, 10, 10, 20, 25, 50, 100))) for _ in range(count)]
    columns = [_grade(random, abilities, total) for total in totals]
    earlier = random.randint(0, count - 1)
    now = [list(column) for column in columns]
    for _ in range(random.randint(0, 3)):  # a score that was corrected
        number, student = random.randrange(count), random.randrange(len(abilities))
        now[number][student] = totals[number]
    return Klass(totals, columns[:earlier], now)


def _grade(random: Random, abilities: list[float], total: Decimal) -> list[Score]:
    if random.random() < 0.15:  # for completion: all there is, or nothing
        return [total if random.random() < 0.95 else MISSING for _ in abilities]
    ease, missing = random.gauss(0, 0.06), random.choice((0.02, 0.05, 0.15))
    return [_score(random, ability + ease, total, missing) for ability in abilities]


def _score(random: Random, ability: float, total: Decimal, missing: float) -> Score:
    if random.random() < missing:
        return MISSING if random.random() < 0.7 else None
    share = min(max(random.gauss(ability, 0.1), 0.0), 1.05)
    return Decimal(round(share * float(total) * 2)) / 2


def _zero(random: Random, klass: Klass) -> None:
    klass.now[-1] = [Decimal(0) for _ in klass.now[-1]]


def _equal(random: Random, klass: Klass) -> None:
    score = klass.totals[-1] * random.randint(10, 18) / 20
    klass.now[-1] = [score for _ in klass.now[-1]]


def _percents(random: Random, klass: Klass) -> None:
    klass.totals[-1] = Decimal(random.choice((10, 20, 25, 40)))
    klass.now[-1] = [Decimal(random.randint(55, 100)) for _ in klass.now[-1]]


def _fractions(random: Random, klass: Klass) -> None:
    klass.totals[-1] = Decimal(random.choice((10, 20, 50, 100)))
    klass.now[-1] = [Decimal(random.randint(50, 100)) / 100 for _ in klass.now[-1]]


def _swap(random: Random, klass: Klass) -> None:
    while len(klass.sent) < len(klass.now):
        klass.sent.append(list(klass.now[len(klass.sent)]))
    klass.now = [list(column) for column in klass.sent]
    first, second = random.sample(range(len(klass.now)), 2)
    klass.now[first], klass.now[second] = klass.now[second], klass.now[first]


def _move(random: Random, klass: Klass) -> None:
    while len(klass.totals) < 5:
        klass.totals.insert(0, klass.totals[0])
        klass.now.insert(0, list(klass.now[0]))
        klass.sent.insert(0, list(klass.now[0]))
    klass.totals[-1] = 3 * sum(klass.totals[:-1], Decimal(0))
    klass.now[-1] = [klass.totals[-1] * random.randint(30, 50) / 100 for _ in klass.now[-1]]


MISTAKES: Mapping[Reason, Callable[[Random, Klass], None]] = {
    Reason.ALL_ZERO: _zero,
    Reason.ALL_EQUAL: _equal,
    Reason.ALL_ABOVE_TOTAL: _percents,
    Reason.ALL_AT_MOST_ONE: _fractions,
    Reason.COLUMNS_SWAPPED: _swap,
    Reason.MEAN_MOVED: _move,
}


def find_advice(seed: int, mistake: Reason | None) -> set[Reason]:
    """Return the advice on the class of a seed, with one mistake planted or as it is (None)."""
    random = Random(seed)
    klass = draw(random)
    if mistake is not None:
        MISTAKES[mistake](random, klass)
    return klass.warnings()
