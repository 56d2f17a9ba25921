"""Write and read scores: rows as PowerSchool takes them, and its response to a batch.

See upstream.md PowerSchool §4.4.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal, TypeAlias

from gradesync.core.gradebook import EXCUSED, MISSING, Mark
from gradesync.core.ledger import Value, points_of
from gradesync.core.ports import BatchResult
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveScores, Ref, SisSection, normalize_number
from gradesync.core.writes import ScoreRow
from gradesync.errors import AnswerLost, Retriable, SyncStopped
from gradesync.powerschool.calls import Calls, ReadRefused
from gradesync.powerschool.refusal_texts import classify_score_refusal
from gradesync.powerschool.refusals import (
    Refusal,
    explain_access,
    find_named_parts,
    find_named_students,
    read_refusal,
    stop_for_permission,
)
from gradesync.upstream.response import MalformedError, UpstreamResponse, decode, to_plain

# PowerSchool's own marks for our exceptions; written only where a district sends them (R1: a proposal).
FLAGS = {EXCUSED: "isexempt", MISSING: "ismissing"}

TRUE = frozenset({"1", "true"})

# The way a score is cleared, a guess (upstream.md PowerSchool §4.4): null points with a null text, or with an
# empty one.
Clearing: TypeAlias = Literal["nulls", "empty"]

# Failures that show that PowerSchool is not there, and nothing of the scores.
UNAVAILABLE = frozenset({502, 503, 504})


def build_score_body(rows: Sequence[ScoreRow], clearing: Clearing) -> dict[str, object]:
    """Build the body of a write of scores."""
    return {"assignment_scores": [_build_row(row, clearing) for row in rows]}


def _build_row(row: ScoreRow, clearing: Clearing) -> dict[str, object]:
    points = points_of(row.write.value)
    return {
        "_assignmentsection": {"assignmentsectionid": int(read_part_id(row.ref))},
        "studentsdcid": int(row.write.sis_student),
        **(_clear_points(clearing) if points is None else _set_points(points)),
        **_set_flags(row),
    }


def _set_points(points: Decimal) -> dict[str, object]:
    exact = to_plain(points)
    return {
        "actualscoreentered": f"{exact:f}",
        "actualscorekind": "REAL_SCORE",
        "scoretype": "POINTS",
        "scorepoints": exact,
    }


def _clear_points(clearing: Clearing) -> dict[str, object]:
    text = None if clearing == "nulls" else ""
    return {"actualscoreentered": text, "scoretype": "POINTS", "scorepoints": None}


def _set_flags(row: ScoreRow) -> dict[str, bool]:
    """Set the mark of the value, and take back any other that may stand there."""
    value, before = row.write.value, row.write.before
    code = value.exception if isinstance(value, Mark) else None
    if code not in FLAGS and not isinstance(before, Mark):
        return {}
    return {column: code == exception for exception, column in FLAGS.items()}


def read_part_id(ref: Ref) -> str:
    """Return the ASSIGNMENTSECTIONID that scores belong to."""
    return str(ref.value["assignmentsectionid"])


async def write_scores(
    calls: Calls, section: SisSection, rows: Sequence[ScoreRow], clearing: Clearing
) -> BatchResult:
    """Write one batch in one call; a 412 repeats it once. Raises `Retriable`, `SyncStopped`, `AnswerLost`."""
    value = section.ref.value
    params = {"users_dcid": str(value["users_dcid"]), "status": "A", "term_id": str(value["term_id"])}
    body = build_score_body(rows, clearing)
    # PowerSchool's 412 "Resubmit" is the only response that repeats a batch (upstream.md PowerSchool §4).
    for _ in range(2):
        response = await calls.send(
            "score.write", "PUT", "/ws/xte/score", params, body=body, repeatable=False
        )
        if response.status != 412:
            return read_response(response, rows)
    raise Retriable("PowerSchool asks again to resubmit the scores")


def read_response(response: UpstreamResponse, rows: Sequence[ScoreRow]) -> BatchResult:
    if response.status < 300:
        return _read_accepted(response, rows)
    if response.status >= 500:
        away = response.status in UNAVAILABLE
        return BatchResult(
            accepted=False,
            failed=True,
            reason=Reason.UPSTREAM_UNAVAILABLE if away else None,
            detail=f"PowerSchool answered {response.status} to the scores",
        )
    return _explain_refusal(read_refusal(response), rows)


def _read_accepted(response: UpstreamResponse, rows: Sequence[ScoreRow]) -> BatchResult:
    """Compare the rows of a response with those sent (R41).

    Raises `AnswerLost` unless it lists rows or has an empty body.
    """
    if not response.body.strip():
        return BatchResult(accepted=True, doubtful=frozenset([row.pair for row in rows]), unconfirmed=True)
    try:
        content = decode(response.body)
    except MalformedError:
        content = None
    listed = content.get("assignment_scores") if isinstance(content, Mapping) else content
    if not isinstance(listed, list):
        raise AnswerLost("PowerSchool's response to the scores makes no sense")
    unshown = _find_unshown(listed, rows)
    doubtful = [row.pair for row in rows if row.write.sis_student in unshown] if unshown else ()
    return BatchResult(accepted=True, doubtful=frozenset(doubtful))


def _find_unshown(listed: Sequence[object], rows: Sequence[ScoreRow]) -> set[str]:
    """Return the students of whom the response does not show all values that were sent.

    Its rows name the student and not the assignment, so a student's values are compared together.
    """
    sent = Counter([(row.write.sis_student, points_of(row.write.value)) for row in rows])
    shown = Counter(_read_shown(listed))
    return {pair[0] for pair, number in sent.items() if number > shown[pair]}


def _read_shown(listed: Sequence[object]) -> Iterator[tuple[str, Decimal | None]]:
    for row in listed:
        if isinstance(row, dict) and "studentsdcid" in row:
            yield str(row["studentsdcid"]), _read_points(row)


def _explain_refusal(refusal: Refusal, rows: Sequence[ScoreRow]) -> BatchResult:
    keys = {read_part_id(row.ref): row.ref.key for row in rows}
    detail = f"PowerSchool answered {refusal.status} to the scores"
    if refusal.status == 413:
        return BatchResult(accepted=False, too_large=True, detail=detail)
    if refusal.status == 404:
        gone = frozenset(keys[part] for part in keys.keys() & find_named_parts(refusal))
        return BatchResult(accepted=False, missing=True, gone=gone, detail=detail)
    if refusal.status == 403:
        return _explain_access(refusal)
    if (students := _explain_students(refusal, keys, rows)) is not None:
        return students
    return BatchResult(accepted=False, reason=classify_score_refusal(refusal.text), detail=detail)


def _explain_access(refusal: Refusal) -> BatchResult:
    """Raise `SyncStopped` for a 403 whose entries name fields: it concerns every score alike."""
    if refusal.grants:
        stop_for_permission(refusal, "writing scores")
    reason, detail = explain_access(refusal, "writing scores")
    return BatchResult(accepted=False, denied=True, reason=reason, detail=detail)


def _explain_students(
    refusal: Refusal, keys: Mapping[str, str], rows: Sequence[ScoreRow]
) -> BatchResult | None:
    """Return the students of this batch that a refusal names, with their assignments where it names them."""
    sent = {row.write.sis_student for row in rows}
    named = [(part, student) for part, student in find_named_students(refusal) if student in sent]
    if not named:
        return None
    return BatchResult(
        accepted=False,
        students=frozenset(student for _, student in named),
        pairs=frozenset(
            (keys[part], student) for part, student in named if part is not None and part in keys
        ),
        reason=Reason.STUDENT_NOT_IN_SIS_SECTION,
        detail=f"PowerSchool answered {refusal.status} and named students",
    )


async def read_scores(calls: Calls, ref: Ref, *, marks: bool) -> LiveScores | None:
    """Return the scores of an assignment in ASSIGNMENTSCORE; None where the plugin may not read it.

    With `marks` PowerSchool's own ones are read too: a score that has one is a `Mark`.
    """
    if calls.memory.is_refused("assignmentscore"):
        return None
    flags = tuple(FLAGS.values()) if marks else ()
    columns = ("studentsdcid", "scorepoints", "actualscoreentered", *flags)
    try:
        rows = await calls.read_table(
            "assignmentscore", columns, {"assignmentsectionid==": read_part_id(ref)}
        )
    except ReadRefused:
        calls.memory.mark_refused("assignmentscore")
        return None
    except SyncStopped as stopped:
        if stopped.reason != Reason.SIS_UNREADABLE:
            raise
        return None
    numbers = ((normalize_number(row.get("studentsdcid", "")), row) for row in rows)
    return {number: _read_score(row) for number, row in numbers if number is not None}


def _read_score(row: Mapping[str, str]) -> Value:
    points = _read_points(row)
    for exception, column in FLAGS.items():
        if row.get(column, "").lower() in TRUE:
            return Mark(exception, points)
    return points


def _read_points(row: Mapping[str, object]) -> Decimal | None:
    """Return the points, else what was entered where that is a number; None for a blank."""
    for column in ("scorepoints", "actualscoreentered"):
        try:
            value = Decimal(str(row.get(column)))
        except ArithmeticError:
            continue
        if value.is_finite():
            return to_plain(value)
    return None
