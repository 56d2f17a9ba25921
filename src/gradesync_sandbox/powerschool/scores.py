"""Write scores in bulk:

`PUT /ws/xte/score`, all or nothing, one row per (assignment section, student) (upstream.md PowerSchool §4.4).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.powerschool.access import acting_teacher, check_grants, check_open, taught_section
from gradesync_sandbox.powerschool.bodies import ScoreBatch, ScoreRow, read_body
from gradesync_sandbox.powerschool.log import Call, Effect, WrittenScore
from gradesync_sandbox.powerschool.rows import FLAGS, Assignment, AssignmentSection, Score, Section
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import (
    SIX_PLACES,
    Problem,
    Refused,
    conflict,
    decimal,
    json_response,
    render_object,
    whole_number,
)

TEXT_LENGTH = 30
TOO_LARGE = 10**12  # N(18,6)
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)")


@dataclass(frozen=True)
class Entry:
    """Hold a row of the batch with the records that it names."""

    row: ScoreRow
    assignment: Assignment
    part: AssignmentSection
    section: Section


def write_scores(sis: PowerSchool, request: Request, raw: bytes, call: Call) -> Response:
    """Answer 200 naming each student, without any score id.

    Every refusal leaves the whole batch unwritten.
    """
    batch = read_body(raw, ScoreBatch)
    call.rows.extend(_logged(sis, row, "refused") for row in batch.rows)
    entries = _entries(sis, request, batch)
    _check_resubmit(sis)
    _check_values(sis, entries)
    call.rows[:] = [_logged(sis, entry.row, _write(sis, entry)) for entry in entries]
    return json_response({"assignment_scores": [_shape(sis, entry) for entry in entries]})


def _logged(sis: PowerSchool, row: ScoreRow, effect: Effect) -> WrittenScore:
    known = sis.gradebook.parts.get(row.target.assignmentsectionid)
    text = row.actualscoreentered
    return WrittenScore(
        known[0].assignmentid if known else None,
        row.target.assignmentsectionid,
        row.studentsdcid,
        None if text is UNSET else text,
        effect,
    )


def _entries(sis: PowerSchool, request: Request, batch: ScoreBatch) -> list[Entry]:
    """Return the batch with the records that it names, checked in the order of the checks that a live server
    was seen to make.
    """
    teacher = acting_teacher(request)
    _check_size(sis, batch)
    check_grants(sis, ["assignmentscore"], write=True)
    if any(row.comment for row in batch.rows) and not sis.plugin.writes(*_COMMENT):
        raise Refused(403, f"No access to field {'.'.join(_COMMENT)}")
    entries = [_entry(sis, teacher, row) for row in batch.rows]
    _check_status(sis, request, entries)
    _check_spanning(sis, entries)
    check_open(sis, {entry.section.dcid: entry.section for entry in entries}.values())
    _check_students(sis, entries)
    return entries


_COMMENT = ("assignmentscorecomment", "commentvalue")


def _check_size(sis: PowerSchool, batch: ScoreBatch) -> None:
    limit = sis.switches.batch_limit
    if limit is not None and len(batch.rows) > limit:
        raise Refused(sis.switches.batch_status, "Request is too large")
    if not batch.rows:
        raise Refused(400, "assignment_scores must not be empty")


def _entry(sis: PowerSchool, teacher: int, row: ScoreRow) -> Entry:
    """Find a row's records. An unknown id is a 500, as measured; an assignment's id in its place is a 403."""
    key = row.target.assignmentsectionid
    if key in sis.gradebook.assignments:
        raise Refused(403, f"User does not teach section of assignment section {key} with access EDIT")
    if key not in sis.gradebook.parts:
        named = "com.pearson.powerschool.xte.model.AssignmentSection"
        raise Refused(500, f"Unable to find {named} with id {key}")
    assignment, part = sis.gradebook.parts[key]
    entry = Entry(row, assignment, part, taught_section(sis, teacher, part.sectionsdcid))
    _check_target(entry)
    return entry


def _check_target(entry: Entry) -> None:
    """Require that the web app's fuller target agrees with the assignment section's id."""
    target = entry.row.target
    if target.sectionsdcid not in (None, entry.section.dcid):
        raise Refused(400, f"sectionsdcid {target.sectionsdcid} is not of this assignment section")
    if target.assignment and target.assignment.assignmentid != entry.assignment.assignmentid:
        raise Refused(400, f"assignmentid {target.assignment.assignmentid} is not of this assignment section")


def _check_status(sis: PowerSchool, request: Request, entries: Iterable[Entry]) -> None:
    """Check `status` and `term_id`: both are optional, and must make sense (statuses are a guess)."""
    status = request.query_params.get("status")
    if status is not None and not set(status.split(",")) <= {"A", "I", "P"}:
        raise Refused(400, "Parameter status must be of A, I, P")
    term = request.query_params.get("term_id")
    if term is not None:
        key = whole_number(term, "term_id")
        if any(entry.section.termid != key for entry in entries):
            raise Refused(400, f"Parameter term_id {key} is not the term of the section")


def _check_spanning(sis: PowerSchool, entries: list[Entry]) -> None:
    if len({entry.part.assignmentsectionid for entry in entries}) > 1 and not sis.switches.spanning:
        raise Refused(sis.switches.spanning_status, "Scores of one assignment only")
    cells = {(entry.part.assignmentsectionid, entry.row.studentsdcid) for entry in entries}
    if len(cells) < len(entries):
        raise Refused(400, "assignment_scores names a student twice for an assignment section")


def _check_students(sis: PowerSchool, entries: list[Entry]) -> None:
    """Raise the measured 409 where someone is not on the assignment."""
    sections = {entry.section.dcid: entry.section for entry in entries}
    rosters = {dcid: sis.roster(section) for dcid, section in sections.items()}
    unenrolled = [e for e in entries if not _is_for(e, rosters[e.section.dcid])]
    if unenrolled:
        named = unenrolled if sis.switches.bad_students == "all" else unenrolled[:1]
        raise conflict([_unenrolled(entry) for entry in named])


def _is_for(entry: Entry, roster: set[int]) -> bool:
    student, chosen = entry.row.studentsdcid, entry.part.students
    return student in roster and (not chosen or student in chosen)


def _unenrolled(entry: Entry) -> Problem:
    student, part = entry.row.studentsdcid, entry.part.assignmentsectionid
    lacks = "does not have an AssignmentStudentAssociation in AssignmentSection.Id"
    return Problem(f"Student.id [{student}] {lacks}: [{part}]", _names(entry))


def _names(entry: Entry) -> dict[str, object]:
    return {
        "assignment_section_id": entry.part.assignmentsectionid,
        "student_dcid": entry.row.studentsdcid,
    }


def _check_resubmit(sis: PowerSchool) -> None:
    if sis.switches.resubmit_next:
        sis.switches.resubmit_next -= 1
        raise Refused(412, "Resubmit")


def _check_values(sis: PowerSchool, entries: list[Entry]) -> None:
    """Check values.

    Raises `Refused`: 400 for rows that are empty or contradict themselves, 409 for texts that no score can
    be.
    """
    for entry in entries:
        _check_pair(sis, entry.row)
    problems = [
        Problem(text, _names(e), "actualscoreentered") for e in entries for text in _text_faults(e.row)
    ]
    if problems and "score_text" in sis.switches.inferred:
        raise conflict(problems)
    negative = [e for e in entries if (_points(e.row) or 0) < 0]
    if negative and "negative_score" in sis.switches.inferred:
        raise conflict([Problem("Score is below 0", _names(e), "scorepoints") for e in negative])


def _check_pair(sis: PowerSchool, row: ScoreRow) -> None:
    text, points = row.actualscoreentered, row.scorepoints
    if abs(_points(row) or Decimal(0)) >= TOO_LARGE:
        raise Refused(400, "scorepoints has more than 12 digits before the point")
    if text is UNSET:
        if points is not UNSET or not _marks(row):
            raise Refused(400, "actualscoreentered is required")
    elif text is None:
        if points is not None or sis.switches.clears == "refuse":
            raise Refused(400, "actualscoreentered must not be null")
    elif points is None:
        raise Refused(400, "scorepoints must not be null beside actualscoreentered")
    elif isinstance(points, int | Decimal) and _NUMBER.fullmatch(text) and Decimal(text) != points:
        raise Refused(400, "scorepoints and actualscoreentered differ")


def _text_faults(row: ScoreRow) -> Iterable[str]:
    text = row.actualscoreentered
    if not isinstance(text, str):
        return
    if len(text) > TEXT_LENGTH:
        yield f"Score is longer than {TEXT_LENGTH} characters"
    elif row.scoretype == "POINTS" and not _NUMBER.fullmatch(text):
        yield "Score is not a number"


def _marks(row: ScoreRow) -> dict[str, bool]:
    given = {name: getattr(row, name) for name in FLAGS}
    return {name: value for name, value in given.items() if value is not None}


def _write(sis: PowerSchool, entry: Entry) -> Effect:
    """Update the cell in place, and return the effect."""
    key, student = entry.part.assignmentsectionid, entry.row.studentsdcid
    score = sis.gradebook.score_of(key, student)
    before = score.value
    _set(score, entry.row)
    if score.blank and not score.flags and sis.switches.cleared_row == "gone":
        del sis.gradebook.scores[key][student]
    if score.value == before:
        return "unchanged"
    score.by = "plugin"
    return "cleared" if score.blank and entry.row.actualscoreentered is None else "written"


def _set(score: Score, row: ScoreRow) -> None:
    marks = _marks(row)
    score.flags = (score.flags | {m for m in marks if marks[m]}) - {m for m in marks if not marks[m]}
    text = row.actualscoreentered
    if text is UNSET:
        return
    score.actualscoreentered, score.scoretype = text, row.scoretype
    score.actualscorekind = None if text is None else row.actualscorekind
    score.scorepoints = _stored(row)


def _points(row: ScoreRow) -> Decimal | None:
    """Return the points of the row: those sent, or those that its text reads."""
    if isinstance(row.scorepoints, int | Decimal):
        return Decimal(row.scorepoints)
    text = row.actualscoreentered
    if isinstance(text, str) and row.scoretype == "POINTS" and _NUMBER.fullmatch(text):
        return Decimal(text)
    return None


def _stored(row: ScoreRow) -> Decimal | None:
    """Return the points as a column N(18,6) keeps them."""
    points = _points(row)
    return None if points is None else points.quantize(SIX_PLACES, ROUND_HALF_UP)


def _shape(sis: PowerSchool, entry: Entry) -> dict[str, object]:
    points = _stored(entry.row)
    return render_object(
        "assignmentscore",
        None,
        noisy=sis.switches.breach_mitigation,
        studentsdcid=entry.row.studentsdcid,
        scorepoints=None if points is None else decimal(points),
    )
