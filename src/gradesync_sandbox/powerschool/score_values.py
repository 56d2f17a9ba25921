"""Read and check the values of score rows (upstream.md PowerSchool §4.4)."""

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from msgspec import UNSET

from gradesync_sandbox.powerschool.bent import Entry
from gradesync_sandbox.powerschool.bodies import ScoreRow
from gradesync_sandbox.powerschool.rows import FLAGS
from gradesync_sandbox.powerschool.state import PowerSchool
from gradesync_sandbox.powerschool.wire import SIX_PLACES, Problem, Refused, conflict
from gradesync_sandbox.powerschool.words import quoting

TEXT_LENGTH = 30
TOO_LARGE = 10**12  # N(18,6)
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)")


def check_values(sis: PowerSchool, entries: list[Entry]) -> None:
    """Check values.

    Raises `Refused`: 400 for rows that are empty or contradict themselves, 409 for texts that no score can
    be.
    """
    for entry in entries:
        _check_pair(sis, entry.row)
    wrong = [e for e in entries if e.part.scoretype != e.row.scoretype]
    if wrong and sis.switches.wrong_score_type == "refuse":
        message = "Score type differs from the assignment's"
        problems = [
            Problem(quoting(message, e.part.name, sis.switches), names_of(e), "scoretype") for e in wrong
        ]
        raise conflict(problems)
    problems = [
        Problem(text, names_of(e), "actualscoreentered") for e in entries for text in _text_faults(e.row)
    ]
    if problems and "score_text" in sis.switches.inferred:
        raise conflict(problems)
    negative = [e for e in entries if (points_of(e.row) or 0) < 0]
    if negative and "negative_score" in sis.switches.inferred:
        raise conflict([Problem("Score is below 0", names_of(e), "scorepoints") for e in negative])


def _check_pair(sis: PowerSchool, row: ScoreRow) -> None:
    text, points = row.actualscoreentered, row.scorepoints
    if abs(points_of(row) or Decimal(0)) >= TOO_LARGE:
        raise Refused(400, "scorepoints has more than 12 digits before the point")
    if text is UNSET:
        if points is not UNSET or not marks_of(row):
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


def marks_of(row: ScoreRow) -> dict[str, bool]:
    given = {name: getattr(row, name) for name in FLAGS}
    return {name: value for name, value in given.items() if value is not None}


def points_of(row: ScoreRow) -> Decimal | None:
    """Return the points of the row: those sent, or those that its text reads."""
    if isinstance(row.scorepoints, int | Decimal):
        return Decimal(row.scorepoints)
    text = row.actualscoreentered
    if isinstance(text, str) and row.scoretype == "POINTS" and _NUMBER.fullmatch(text):
        return Decimal(text)
    return None


def kept(points: Decimal) -> Decimal:
    """Return points as a column N(18,6) keeps them."""
    return points.quantize(SIX_PLACES, ROUND_HALF_UP)


def names_of(entry: Entry) -> dict[str, object]:
    """Return the `params` that name a row in a refusal."""
    return {
        "assignment_section_id": entry.part.assignmentsectionid,
        "student_dcid": entry.row.studentsdcid,
    }
