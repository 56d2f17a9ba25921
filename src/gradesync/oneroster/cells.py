"""Encode scores as results of OneRoster, and decode them (upstream.md OneRoster §7)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from gradesync.core.gradebook import EXCUSED, MISSING, Mark
from gradesync.core.ledger import Value, points_of
from gradesync.oneroster.objects import read_decimal
from gradesync.oneroster.profiles import Profile
from gradesync.upstream.response import to_plain

GRADED, EXEMPT, NOT_SUBMITTED = "fully graded", "exempt", "not submitted"
ZERO = Decimal(0)
# What a result holds of a score: a write replaces all of it, and nothing else.
CELL = ("scoreStatus", "score", "textScore", "missing")


def encode_cell(value: Value, before: Value, profile: Profile) -> dict[str, object] | None:
    """Return the fields of a result with this score; None where the result is to be deleted.

    `before` is what the SIS held as far as known: an excused score may have to keep it.
    """
    code = value.exception if isinstance(value, Mark) else None
    points = points_of(value)
    if code == EXCUSED:
        return {"scoreStatus": EXEMPT, **_excused_score(before, profile)}
    if points is None:
        return None if profile.blank == "delete" else {"scoreStatus": NOT_SUBMITTED}
    graded = {"scoreStatus": GRADED, "score": to_plain(points)}
    return {**graded, "missing": "true"} if code == MISSING and profile.version == "1.2" else graded


def _excused_score(before: Value, profile: Profile) -> dict[str, object]:
    if profile.excused_score == "none":
        return {}
    last = points_of(before) if profile.excused_score == "last" else None
    return {"score": to_plain(last or ZERO)}


def decode_cell(result: Mapping[str, Any], profile: Profile, *, marks: bool) -> Value:
    """Return the score of a result; None for a blank. Raises `MalformedError`: what is no number is no blank.

    `marks`: the district sends marks, so missing work of the SIS is read too. No zero is ever concluded from
    a status.
    """
    status, missing = result.get("scoreStatus"), str(result.get("missing")).lower() == "true"
    if status == EXEMPT:
        return Mark(EXCUSED)  # whatever its score: some servers demand one
    score = None if result.get("score") in (None, "") else read_decimal(result["score"])
    if not marks:
        return score
    unsubmitted = status == NOT_SUBMITTED and score is None and profile.blank != "not-submitted"
    return Mark(MISSING, score) if missing or unsubmitted else score


def score_date(now: datetime, profile: Profile) -> str:
    """Return the date of a score that is sent now; the district's zone is `now`'s."""
    return now.date().isoformat() if profile.score_date == "date" else stamp(now)


def stamp(moment: datetime) -> str:
    """Return a time as OneRoster writes it: UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
