"""Scores on the wire: rows as PowerSchool takes them, and what its answer to a batch means (contract 4.4)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal, TypeAlias

from gradesync.core.gradebook import EXCUSED, MISSING, Mark
from gradesync.core.ledger import points_of
from gradesync.core.ports import BatchAnswer, ScoreRow
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveScores, Ref, SisSection
from gradesync.errors import AnswerLost, Retriable, SyncStopped
from gradesync.powerschool.calls import Calls, Closed
from gradesync.powerschool.refusals import (
    Refusal,
    refusal,
    score_fault,
    stop_for_permission,
    students_named,
)
from gradesync.powerschool.wire import Unintelligible, decode, plain
from gradesync.upstream.response import Answer

FLAGS = {EXCUSED: "isexempt", MISSING: "ismissing"}
"""PowerSchool's own marks for our exceptions; written only where a district sends them (R1: a proposal)."""

Clearing: TypeAlias = Literal["nulls", "empty"]
"""How a score is cleared. No source shows it (4.4): null points with a null text, or with an empty one."""


def score_body(rows: Sequence[ScoreRow], clearing: Clearing) -> dict[str, object]:
    return {"assignment_scores": [_row(row, clearing) for row in rows]}


def _row(row: ScoreRow, clearing: Clearing) -> dict[str, object]:
    points = points_of(row.write.value)
    return {
        "_assignmentsection": {"assignmentsectionid": int(part_id(row.ref))},
        "studentsdcid": int(row.write.sis_student),
        **(_cleared(clearing) if points is None else _scored(points)),
        **_flags(row),
    }


def _scored(points: Decimal) -> dict[str, object]:
    exact = plain(points)
    return {
        "actualscoreentered": f"{exact:f}",
        "actualscorekind": "REAL_SCORE",
        "scoretype": "POINTS",
        "scorepoints": exact,
    }


def _cleared(clearing: Clearing) -> dict[str, object]:
    text = None if clearing == "nulls" else ""
    return {"actualscoreentered": text, "scoretype": "POINTS", "scorepoints": None}


def _flags(row: ScoreRow) -> dict[str, bool]:
    """The mark that the value carries is set, and another that was sent before is taken back."""
    flags: dict[str, bool] = {}
    for value, on in ((row.write.before, False), (row.write.value, True)):
        if isinstance(value, Mark) and value.exception in FLAGS:
            flags[FLAGS[value.exception]] = on
    return flags


def part_id(ref: Ref) -> str:
    """The ASSIGNMENTSECTIONID that scores hang on."""
    return str(ref.value["assignmentsectionid"])


async def write_scores(
    calls: Calls, section: SisSection, rows: Sequence[ScoreRow], clearing: Clearing
) -> BatchAnswer:
    """One batch in one call. PowerSchool's 412 "Resubmit" is the only answer that repeats it (4)."""
    value = section.ref.value
    params = {"users_dcid": str(value["users_dcid"]), "status": "A", "term_id": str(value["term_id"])}
    body = score_body(rows, clearing)
    for _ in range(2):
        answer = await calls.send("score.write", "PUT", "/ws/xte/score", params, body=body, repeatable=False)
        if answer.status != 412:
            return _read(answer, rows)
    raise Retriable("PowerSchool asks again to resubmit the scores")


def _read(answer: Answer, rows: Sequence[ScoreRow]) -> BatchAnswer:
    if answer.status < 300:
        _check_accepted(answer)
        return BatchAnswer(accepted=True)
    return _refused(refusal(answer), rows)


def _check_accepted(answer: Answer) -> None:
    """A batch that was taken names its rows; an empty body is fine. Raises `AnswerLost` for all else."""
    if not answer.body.strip():
        return
    try:
        content = decode(answer.body)
    except Unintelligible:
        content = None
    named = content.get("assignment_scores") if isinstance(content, Mapping) else content
    if not isinstance(named, list):
        raise AnswerLost("PowerSchool's answer to the scores makes no sense")


def _refused(no: Refusal, rows: Sequence[ScoreRow]) -> BatchAnswer:
    keys = {part_id(row.ref): row.ref.key for row in rows}
    named = frozenset(keys[part] for part in keys.keys() & no.numbers)
    detail = f"PowerSchool answered {no.status} to the scores"
    if no.status == 413:
        return BatchAnswer(accepted=False, too_large=True, detail=detail)
    if no.status in (404, 500):
        return BatchAnswer(accepted=False, gone=named if no.gone else frozenset(), detail=detail)
    if no.not_taught:
        return _not_taught(named, rows, detail)
    stop_for_permission(no, "writing scores")
    if (students := _students(no, keys, rows)) is not None:
        return students
    reason = score_fault(no) if no.status in (409, 422) else None
    return BatchAnswer(
        accepted=False,
        too_large=no.status == 400 and len(rows) > 1,
        reason=reason,
        detail=detail,
    )


def _not_taught(named: frozenset[str], rows: Sequence[ScoreRow], detail: str) -> BatchAnswer:
    """The teacher does not teach what an id belongs to: one assignment, where answer or batch tell it."""
    foreign = named or frozenset({row.ref.key for row in rows})
    return BatchAnswer(
        accepted=False,
        foreign=foreign if len(foreign) == 1 or named else frozenset(),
        reason=Reason.TEACHER_NOT_IN_SIS_SECTION,
        detail=detail,
    )


def _students(no: Refusal, keys: Mapping[str, str], rows: Sequence[ScoreRow]) -> BatchAnswer | None:
    """The students of this batch that a refusal names, with their assignments where it names those too."""
    sent = {row.write.sis_student for row in rows}
    named = [(part, student) for part, student in students_named(no) if student in sent]
    if not named:
        return None
    return BatchAnswer(
        accepted=False,
        students=frozenset(student for _, student in named),
        pairs=frozenset(
            (keys[part], student) for part, student in named if part is not None and part in keys
        ),
        reason=Reason.STUDENT_NOT_IN_SIS_SECTION,
        detail=f"PowerSchool answered {no.status} and named students",
    )


async def read_scores(calls: Calls, ref: Ref) -> LiveScores | None:
    """What ASSIGNMENTSCORE holds for an assignment; None where the plugin may not read it (4.4)."""
    if calls.memory.is_closed("assignmentscore"):
        return None
    columns = ("studentsdcid", "scorepoints", "actualscoreentered")
    try:
        rows = await calls.table("assignmentscore", columns, {"assignmentsectionid==": part_id(ref)})
    except Closed:
        calls.memory.close("assignmentscore")
        return None
    except SyncStopped as stopped:
        if stopped.reason != Reason.SIS_UNREADABLE:
            raise
        return None
    return {row["studentsdcid"]: _points(row) for row in rows if "studentsdcid" in row}


def _points(row: Mapping[str, str]) -> Decimal | None:
    """The points, else what was entered where that is a number; None for a blank."""
    for column in ("scorepoints", "actualscoreentered"):
        try:
            value = Decimal(row.get(column, ""))
        except ArithmeticError:
            continue
        if value.is_finite():
            return plain(value)
    return None
