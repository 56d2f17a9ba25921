"""Build the grades response: a dense matrix of cells, with periods and final grades beside it (upstream.md
Schoology §2.7).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gradesync_sandbox.schoology.model import ACTIVE, Cell, Enrollment, Item, Mark, Section
from gradesync_sandbox.schoology.state import Schoology
from gradesync_sandbox.schoology.switches import Switches
from gradesync_sandbox.schoology.wire import WEB, Json, number


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold the filters of a grades call; None asks for everything."""

    item: int | None = None
    enrollment: int | None = None
    since: int | None = None


def rows(book: Section, state: Schoology, wanted: Wanted, base: str) -> Iterator[Json]:
    """Yield a row per student and item, blanks included; `timestamp` narrows it to what changed."""
    switches = state.switches
    roster = [e for e in book.students() if _has_rows(e, switches) and wanted.enrollment in (None, e.id)]
    uids = {e.id: state.users[e.uid].school_uid for e in roster}
    for item in book.standing():
        if wanted.item not in (None, item.id):
            continue
        shared = _item_fields(item, book, base)
        for enrollment in roster:
            cell = book.cell(item.id, enrollment.id)
            if _assigned(item, enrollment, switches) and _changed(cell, wanted.since, switches):
                yield {"enrollment_id": enrollment.id, **shared, **_cell_fields(cell, switches),
                       "school_uid": uids[enrollment.id]}  # fmt: skip


def _has_rows(enrollment: Enrollment, switches: Switches) -> bool:
    return enrollment.status == ACTIVE or switches.dropped_keep_grades


def _assigned(item: Item, enrollment: Enrollment, switches: Switches) -> bool:
    return not item.assignees or enrollment.id in item.assignees or switches.unassigned_rows


def _changed(cell: Cell, since: int | None, switches: Switches) -> bool:
    if since is None:
        return True
    if not cell.timestamp:
        return False
    return cell.timestamp >= since if switches.timestamp_inclusive else cell.timestamp > since


def _item_fields(item: Item, book: Section, base: str) -> Json:
    kind = "discussions" if item.type == "discussion" else "assignments"
    return {
        "assignment_id": item.id,
        "max_points": number(item.max_points),
        "is_final": int(item.is_final),
        "comment_status": None,
        "override": None,
        "calculated_grade": None,
        "pending": None,
        "type": item.type,
        "location": f"{base}/sections/{book.id}/{kind}/{item.grade_item_id}",
        "scale_id": 0,
        "scale_type": 0,
        "assignment_type": "basic" if item.type == "assignment" else None,
        "web_url": f"{WEB}/{item.type}/{item.grade_item_id}",
        "category_id": item.category,
    }


def _cell_fields(cell: Cell, switches: Switches) -> Json:
    grade = cell.grade
    if cell.exception == Mark.MISSING:
        grade = Decimal(0) if switches.missing_is_zero else None
    return {
        "grade": number(grade),
        "exception": int(cell.exception),
        "timestamp": cell.timestamp,
        "comment": cell.comment,
    }


def periods(book: Section) -> list[Json]:
    """Return the grading periods as the grades response names them: with a `p` and a decimal weight."""
    return [
        {"period_id": f"p{p.id}", "period_title": p.title, "weight": f"{p.weight:.2f}"} for p in book.periods
    ]


def final_grades(book: Section) -> list[Json]:
    """Return averages, which this simulation leaves empty. Here the enrollment id is a text."""
    names = [*(f"p{p.id}" for p in book.periods), "other", "final"]
    cells: list[dict[str, Any]] = [
        {"period_id": name, "grade": None, "comment": "", "comment_status": None} for name in names
    ]
    return [{"enrollment_id": str(e.id), "period": cells, "scale_id": 0} for e in book.students()]
