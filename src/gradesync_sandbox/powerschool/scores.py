"""Write scores in bulk:

`PUT /ws/xte/score`, all or nothing, one row per (assignment section, student) (upstream.md PowerSchool §4.4).
"""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from gradesync_sandbox.powerschool.access import acting_teacher, check_grants, check_open, taught_section
from gradesync_sandbox.powerschool.bent import Bent, Entry, bend
from gradesync_sandbox.powerschool.bodies import ScoreBatch, ScoreRow, read_body
from gradesync_sandbox.powerschool.log import Call, Effect, WrittenScore
from gradesync_sandbox.powerschool.rows import Score
from gradesync_sandbox.powerschool.score_values import check_values, kept, marks_of, names_of, points_of
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import (
    Problem,
    Refused,
    conflict,
    decimal,
    json_response,
    render_object,
    whole_number,
)
from gradesync_sandbox.powerschool.words import quoting


def write_scores(sis: PowerSchool, request: Request, raw: bytes, call: Call) -> Response:
    """Answer 200 naming each student, without any score id.

    Every refusal leaves the whole batch unwritten.
    """
    batch = read_body(raw, ScoreBatch)
    call.rows.extend(_logged(sis, row, "refused") for row in batch.rows)
    entries = _entries(sis, request, batch)
    _check_resubmit(sis)
    check_values(sis, entries)
    bent = bend(sis, entries)
    call.rows[:] = [_logged(sis, entry.row, _write(sis, entry, bent)) for entry in entries]
    if bent.empty:
        return Response(status_code=200)
    return json_response({"assignment_scores": [_shape(sis, entry, bent) for entry in bent.shown(entries)]})


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
    _check_status(request, entries)
    _check_spanning(sis, entries)
    sections = {entry.section.dcid: entry.section for entry in entries}
    check_open(sis, sections.values(), [entry.part for entry in entries])
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
    entry = Entry(row, assignment, part, taught_section(sis, teacher, part.sectionsdcid, write=True))
    _check_target(entry)
    return entry


def _check_target(entry: Entry) -> None:
    """Require that the web app's fuller target agrees with the assignment section's id."""
    target = entry.row.target
    if target.sectionsdcid not in (None, entry.section.dcid):
        raise Refused(400, f"sectionsdcid {target.sectionsdcid} is not of this assignment section")
    if target.assignment and target.assignment.assignmentid != entry.assignment.assignmentid:
        raise Refused(400, f"assignmentid {target.assignment.assignmentid} is not of this assignment section")


def _check_status(request: Request, entries: Iterable[Entry]) -> None:
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
        raise conflict([_unenrolled(sis, entry) for entry in named])


def _is_for(entry: Entry, roster: set[int]) -> bool:
    student, chosen = entry.row.studentsdcid, entry.part.students
    return student in roster and (not chosen or student in chosen)


def _unenrolled(sis: PowerSchool, entry: Entry) -> Problem:
    student, part = entry.row.studentsdcid, entry.part.assignmentsectionid
    lacks = "does not have an AssignmentStudentAssociation in AssignmentSection.Id"
    message = f"Student.id [{student}] {lacks}: [{part}]"
    return Problem(quoting(message, entry.part.name, sis.switches), names_of(entry))


def _check_resubmit(sis: PowerSchool) -> None:
    if sis.switches.resubmit_next:
        sis.switches.resubmit_next -= 1
        raise Refused(412, "Resubmit")


def _write(sis: PowerSchool, entry: Entry, bent: Bent) -> Effect:
    """Update the cell in place, and return the effect."""
    if bent.kind(entry) in ("omit", "forget"):
        return "dropped"
    key, student = entry.part.assignmentsectionid, entry.row.studentsdcid
    score = sis.gradebook.score_of(key, student)
    before = score.value
    _set(sis, score, entry, bent)
    if score.blank and not score.flags and sis.switches.cleared_row == "gone":
        del sis.gradebook.scores[key][student]
    if score.value == before:
        return "unchanged"
    score.by = "plugin"
    return "cleared" if score.blank and entry.row.actualscoreentered is None else "written"


def _set(sis: PowerSchool, score: Score, entry: Entry, bent: Bent) -> None:
    row, marks = entry.row, {} if bent.kind(entry) == "unmark" else marks_of(entry.row)
    score.flags = (score.flags | {m for m in marks if marks[m]}) - {m for m in marks if not marks[m]}
    text = row.actualscoreentered
    if text is UNSET or entry.part.scoretype == "COLLECTED":
        return
    score.actualscoreentered, score.scoretype = text, entry.part.scoretype
    score.actualscorekind = None if text is None else row.actualscorekind
    score.scorepoints = stored = _stored(sis, entry, bent)
    sent, same_type = points_of(row), entry.part.scoretype == row.scoretype
    if stored is not None and sent is not None and same_type and stored != kept(sent):
        score.actualscoreentered = f"{stored.normalize():f}"


def _stored(sis: PowerSchool, entry: Entry, bent: Bent) -> Decimal | None:
    """Return the points as a column N(18,6) keeps them, bent by switches and by the column's own type."""
    points, total = points_of(entry.row), entry.part.scoreentrypoints
    if points is None or entry.part.scoretype == "COLLECTED":
        return None
    if bent.kind(entry) == "alter":
        points = bent.points(entry)
    if entry.part.scoretype == "PERCENT":
        points = points * total / 100
    if sis.switches.above_total == "cap":
        points = min(points, total)
    return kept(points)


def _shape(sis: PowerSchool, entry: Entry, bent: Bent) -> dict[str, object]:
    points = _stored(sis, entry, bent)
    if bent.kind(entry) == "misreport":
        points = bent.points(entry)
    return render_object(
        "assignmentscore",
        None,
        noisy=sis.switches.breach_mitigation,
        studentsdcid=entry.row.studentsdcid,
        scorepoints=None if points is None else decimal(points),
    )
