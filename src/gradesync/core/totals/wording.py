"""Word the causes of differing totals and what was not known, for teachers. `{sis}` is the SIS's name."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from gradesync.core.catalog import sis_name
from gradesync.core.totals.causes import Cause, Explanation
from gradesync.core.totals.formula import round_half_up
from gradesync.core.totals.sides import Sides

_PLACES = 2


class CauseText(NamedTuple):
    """Word a cause: what differs, and what to do."""

    title: str
    fix: str

    def name_sis(self) -> "CauseText":
        """Return the text with the name of the SIS."""
        return CauseText(*(part.format(sis=sis_name()) for part in self))


_CAUSES: Mapping[Cause, CauseText] = {
    Cause.NOT_SENT: CauseText(
        "Something that counts in Schoology isn't in {sis}.",
        "The last sync gives the reason of each. Correct it, and sync again.",
    ),
    Cause.UNSYNCED: CauseText("Something changed in Schoology since the last sync.", "Sync again."),
    Cause.CHANGED_IN_SIS: CauseText(
        "Someone changed something in {sis}.",
        "Change it back in {sis}, or enter the same in Schoology.",
    ),
    Cause.ONLY_IN_SIS: CauseText(
        "{sis} has an assignment that Schoology doesn't have.",
        "Add it in Schoology, or delete it in {sis}.",
    ),
    Cause.OTHER_PERIOD: CauseText(
        "An assignment counts in another grading period in {sis}, because of its due date.",
        "Choose a due date within the grading period in Schoology.",
    ),
    Cause.EXCUSED: CauseText(
        "A score counts as zero in Schoology or {sis}, and not at all in the other.",
        "Mark it the same way in both.",
    ),
    Cause.ROUNDED: CauseText("{sis} keeps fewer decimal places of a score.", "Nothing to do."),
    Cause.DROPPED: CauseText(
        "Schoology and {sis} don't drop the same lowest scores.",
        "Drop as many lowest scores in {sis} as in Schoology.",
    ),
    Cause.FACTOR: CauseText(
        "An assignment has a factor in Schoology, which isn't sent.",
        "Set the factor to 1, or give the assignment that weight in {sis}.",
    ),
    Cause.CALCULATION: CauseText(
        "A category counts by percent in Schoology and by points in {sis}.",
        "Set the category to Total Points in Schoology.",
    ),
    Cause.WEIGHT: CauseText(
        "Categories don't weigh the same in Schoology and {sis}.",
        "Give the categories the same weights in both.",
    ),
    Cause.CATEGORY_ROUNDING: CauseText("{sis} rounds the percent of a category.", "Nothing to do."),
}


def word_cause(cause: Cause) -> CauseText:
    """Return the words of a cause."""
    return _CAUSES[cause].name_sis()


class Assumption(StrEnum):
    """Name what no system shows, and what was assumed instead."""

    SIS_WEIGHTS = "sis-category-weights"
    SIS_DROPPED = "sis-dropped-scores"
    SIS_TERM = "sis-reporting-term"
    SIS_ROUNDING = "sis-category-rounding"
    SIS_ITEM_WEIGHTS = "sis-assignment-weights"
    SIS_SCORES = "sis-scores"
    ROUNDING = "schoology-rounding"
    FINALS = "schoology-finals"
    EXTRA_CREDIT = "schoology-extra-credit"
    CELLS = "schoology-scores"


_ASSUMPTIONS: Mapping[Assumption, str] = {
    Assumption.SIS_WEIGHTS: "{sis} doesn't show its category weights. Those of Schoology are assumed.",
    Assumption.SIS_DROPPED: "{sis} doesn't show how many lowest scores it drops. It is assumed to drop none.",
    Assumption.SIS_TERM: "{sis} doesn't show its reporting terms. The dates of the grading period were used.",
    Assumption.SIS_ROUNDING: "Whether {sis} rounds the percents of categories isn't known. None was rounded.",
    Assumption.SIS_ITEM_WEIGHTS: "Weights and extra points of single assignments in {sis} aren't read.",
    Assumption.SIS_SCORES: "Some scores in {sis} couldn't be read. They count here as they were last sent.",
    Assumption.ROUNDING: "Schoology doesn't show whether it rounds grades. Totals here aren't rounded.",
    Assumption.FINALS: (
        "Schoology doesn't show the weights of midterms and finals. They count like other items."
    ),
    Assumption.EXTRA_CREDIT: (
        "What extra credit adds in a percent category isn't known. It adds nothing here."
    ),
    Assumption.CELLS: "Schoology didn't show some scores. They are missing from these totals.",
}


def word_assumption(assumption: Assumption) -> str:
    """Return what was not known, and what was assumed."""
    return _ASSUMPTIONS[assumption].format(sis=sis_name())


def find_assumptions(sides: Sides) -> tuple[Assumption, ...]:
    """Return what the totals of a section rest on without anybody having shown it."""
    setup, book = sides.setup, sides.gradebook
    items = [item for item in book.assignments if sides.period in {None, item.period_id}]
    by_percent = {category.id for category in book.categories if category.by_percent}
    unread = [
        column for column in sides.columns if column.live and column.live.takes_points and not column.readable
    ]
    found = {
        Assumption.SIS_WEIGHTS: setup.weights is None,
        Assumption.SIS_DROPPED: setup.dropped is None,
        Assumption.SIS_TERM: setup.first is None or setup.last is None,
        Assumption.SIS_ROUNDING: setup.decimals is None,
        Assumption.SIS_ITEM_WEIGHTS: True,
        Assumption.SIS_SCORES: bool(unread),
        Assumption.ROUNDING: True,
        Assumption.FINALS: any(item.final for item in items),
        Assumption.EXTRA_CREDIT: any(
            not item.max_points and item.category_id in by_percent for item in items
        ),
        Assumption.CELLS: bool(book.partial or book.partial_lists or book.unreadable),
    }
    return tuple(assumption for assumption, applies in found.items() if applies)


class Shown(NamedTuple):
    """Hold an explanation in decimals; the worths still add up to the difference."""

    source: Decimal | None
    sis: Decimal | None
    difference: Decimal | None
    worths: tuple[Decimal | None, ...]


def show(explanation: Explanation) -> Shown:
    """Round totals and worths to hundredths; what rounding leaves over goes to those it cut most."""
    source, sis = _cents(explanation.source), _cents(explanation.sis)
    difference = None if source is None or sis is None else sis - source
    worths = [share.worth or Fraction(0) for share in explanation.shares]
    if difference is None:
        return Shown(_decimal(source), _decimal(sis), None, (None,) * len(worths))
    exact = [worth * 10**_PLACES for worth in worths]
    floors = [worth.__floor__() for worth in exact]
    order = sorted(range(len(exact)), key=lambda index: (floors[index] - exact[index], index))
    for index in order[: difference - sum(floors)]:
        floors[index] += 1
    return Shown(_decimal(source), _decimal(sis), _decimal(difference), tuple(map(_decimal, floors)))


def _cents(total: Fraction | None) -> int | None:
    return None if total is None else round_half_up(total * 10**_PLACES)


def _decimal(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents).scaleb(-_PLACES)
