"""Fill one class's gradebook in Schoology: mostly healthy, with the troubles that real ones have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal

from gradesync_sandbox import invented
from gradesync_sandbox.schoology.model import Cell, Item, Mark, Period, Section
from gradesync_sandbox.schoology.state import Schoology

DAY = 86_400
LATE, UNHEARD_OF = 4, 7
# A cell's exception and whether it has points, each up to its share of chance.
ODDS = (
    (0.04, Mark.NONE, False),
    (0.07, Mark.MISSING, False),
    (0.09, Mark.EXCUSED, False),
    (0.11, Mark.INCOMPLETE, False),
    (0.115, LATE, True),
    (0.12, UNHEARD_OF, False),
    (1.0, Mark.NONE, True),
)
# So far into the term reach the due dates.
TAUGHT_DAYS = 110


@dataclass(frozen=True)
class Twist:
    """Describe one way in which an assignment is not like the others. No `title`: an ordinary one."""

    title: str = ""
    category: Literal["mapped", "unmapped", "none"] = "mapped"
    due: Literal["in_term", "none", "after_term"] = "in_term"
    period: bool = True
    some_students: bool = False
    fields: dict[str, Any] = field(default_factory=dict)


TWISTS = (
    Twist("Reflection: what the numbers on a nutrition label do and do not tell us"),
    Twist(category="none"),
    Twist(category="unmapped"),
    Twist("Journal, any time this term", due="none"),
    Twist("Bonus puzzle, whenever", due="none", period=False),
    Twist("Summer reading plan", due="after_term"),
    Twist(fields={"published": False}),
    Twist("Parent slip returned", fields={"collected_only": True}),
    Twist("Warm-up for practice only", fields={"count_in_grade": False}),
    Twist("Midterm", fields={"is_final": True, "max_points": Decimal(150)}),
    Twist("Größe & Maß: naïve 数学 ✏️"),
    Twist("Debate: is zero a number?", fields={"type": "discussion"}),
    Twist("Unit test: Ratios", fields={"type": "assessment", "max_points": Decimal("42.5")}),
    Twist("Retake group", some_students=True),
    Twist("Project, counts double", fields={"factor": Decimal(2)}),
    Twist("For the fun of it", fields={"max_points": Decimal(0)}),
)


@dataclass(frozen=True)
class Plan:
    """Describe the contents of one section. `twists` sit among ordinary assignments; `ideal`: no gaps."""

    assignments: int
    first: date
    last: date
    twists: Sequence[Twist] = ()
    ideal: bool = False


def fill(state: Schoology, book: Section, plan: Plan, rng: Random) -> None:
    """Give a section its categories, items and grades. The same `rng` state gives the same gradebook."""
    mapped = [state.add_category(book.id, title).id for title in invented.CATEGORIES]
    unmapped = state.add_category(book.id, invented.UNMAPPED).id
    for index, twist in enumerate(_arranged(plan)):
        item = _add_item(state, book, plan, (index, twist), rng)
        item.category = {"mapped": mapped[index % len(mapped)], "unmapped": unmapped, "none": 0}[
            twist.category
        ]
        item.last_updated = _past(state, rng)
        if plan.ideal or index < plan.assignments - plan.assignments // 8:
            _grade_all(state, book, item, rng, ideal=plan.ideal)


def _arranged(plan: Plan) -> Iterable[Twist]:
    """Give every second assignment the next twist, as long as there are any."""
    waiting = iter(plan.twists)
    ordinary = Twist()
    return [next(waiting, ordinary) if index % 2 else ordinary for index in range(plan.assignments)]


def _add_item(state: Schoology, book: Section, plan: Plan, nth: tuple[int, Twist], rng: Random) -> Item:
    index, twist = nth
    due = _due(plan, index, twist)
    fields: dict[str, Any] = {"max_points": rng.choice((10, 20, 25, 50, 100)), **twist.fields}
    if twist.some_students:
        fields["assignees"] = [e.id for e in book.students()[::3]]
    return state.add_assignment(
        book.id,
        twist.title or _title(index),
        due=due,
        period=_period(book.periods, due or _evenly(plan, index)) if twist.period else 0,
        **fields,
    )


def _title(index: int) -> str:
    kind = invented.CATEGORIES[index % len(invented.CATEGORIES)].strip()
    return f"{kind} {index + 1}: {invented.TOPICS[index % len(invented.TOPICS)]}"


def _evenly(plan: Plan, index: int) -> datetime:
    """Return a due date for the n-th assignment: one after another, half of them at the last second of the
    day.
    """
    days = min(TAUGHT_DAYS, (plan.last - plan.first).days)
    day = plan.first + timedelta(days=1 + index * (days - 1) // plan.assignments)
    return datetime.combine(day, time(23, 59, 59) if index % 2 else time(8, 30))


def _due(plan: Plan, index: int, twist: Twist) -> datetime | None:
    if twist.due == "none":
        return None
    if twist.due == "after_term":
        return datetime.combine(plan.last + timedelta(days=30), time(23, 59, 59))
    return _evenly(plan, index)


def _period(periods: Sequence[Period], due: datetime) -> int:
    """Return the id of the narrowest grading period that holds the day; 0 when none does."""
    fits = [p for p in periods if p.first <= due.date() <= p.last]
    return min(fits, key=lambda p: p.last - p.first).id if fits else 0


def _past(state: Schoology, rng: Random) -> int:
    return int(state.now()) - rng.randint(DAY, 60 * DAY)


def _grade_all(state: Schoology, book: Section, item: Item, rng: Random, *, ideal: bool) -> None:
    for enrollment in book.students():
        if item.assignees and enrollment.id not in item.assignees:
            continue
        cell = Cell(_points(item, rng)) if ideal else _cell(item, rng)
        if cell.grade is not None or cell.exception:
            cell.timestamp = _past(state, rng)
            book.cells[item.id, enrollment.id] = cell


def _cell(item: Item, rng: Random) -> Cell:
    """Invent a cell: points in nine of ten, else an exception or nothing yet."""
    if item.collected_only:
        return Cell()
    chance = rng.random()
    exception, pointed = next((mark, pointed) for upto, mark, pointed in ODDS if chance < upto)
    return Cell(_points(item, rng) if pointed else None, exception)


def _points(item: Item, rng: Random) -> Decimal:
    """Invent points: mostly whole, some with halves and quarters, a few above the total."""
    share = rng.triangular(0.4, 1.0, 0.9)
    points = Decimal(int(float(item.max_points) * share))
    chance = rng.random()
    if chance < 0.15:
        points += rng.choice((Decimal("0.5"), Decimal("0.25"), Decimal("0.1")))
    elif chance < 0.18:
        points = item.max_points + 2
    return points
