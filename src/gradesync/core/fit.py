"""Fit what the source holds to what the SIS can hold, before anything is compared."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from gradesync.core.gradebook import EXCUSED, INCOMPLETE, MISSING, Mark, Score
from gradesync.core.ledger import Value
from gradesync.core.reasons import Reason
from gradesync.core.sis import Capabilities, Policy

ZERO = Decimal(0)

# Controls, line separators, bidirectional embeddings and isolates, surrogates: no SIS shows them as typed.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Fitted(NamedTuple):
    """Hold a score fitted to the SIS: the value that it should have, or the reason why nothing is sent.

    `excused`: a blank that the teacher asked for, not one that merely has no grade.
    """

    value: Value = None
    warnings: tuple[Reason, ...] = ()
    stop: Reason | None = None
    excused: bool = False


_BLANK = Fitted()
_CLEARED = Fitted(excused=True)
_ZERO = Fitted(ZERO)
_INCOMPLETE = Fitted(stop=Reason.INCOMPLETE_NOT_SENT)
_UNKNOWN = Fitted(stop=Reason.UNKNOWN_EXCEPTION)


@dataclass(frozen=True, slots=True)
class ScoreFitter:
    """Fit scores to one SIS and one district: at most `largest`, with so many `decimals`.

    `flags` are the exceptions that go as the SIS's own marks beside the points.
    """

    largest: Decimal
    decimals: int
    flags: frozenset[int]

    @classmethod
    def of(cls, capabilities: Capabilities, policy: Policy) -> "ScoreFitter":
        flags = capabilities.exception_flags if policy.exception_flags else frozenset[int]()
        return cls(capabilities.score_max, capabilities.score_decimals, flags)

    def fit(self, cell: Score) -> Fitted:
        """Fit one score (R2 to R7, R26). Fitting a fitted value again changes nothing."""
        if isinstance(cell, Decimal):
            return self._fit_points(cell)
        return _BLANK if cell is None else self._fit_mark(cell)

    def _fit_points(self, points: Decimal) -> Fitted:
        # A negative score is refused like one that is too large: no SIS documents what it makes of it.
        if not points.is_finite() or not ZERO <= points <= self.largest:
            return Fitted(points, stop=Reason.SCORE_NOT_ACCEPTED)
        cut = round_points(points, self.decimals)
        if not cut:
            return _ZERO if not points else Fitted(ZERO, (Reason.SCORE_ROUNDED,))
        return Fitted(cut) if cut is points else Fitted(cut, (Reason.SCORE_ROUNDED,))

    def _fit_mark(self, mark: Mark) -> Fitted:
        code = mark.exception
        if code == MISSING:
            return Fitted(Mark(MISSING, ZERO)) if MISSING in self.flags else _ZERO
        if code == EXCUSED:
            return Fitted(Mark(EXCUSED), excused=True) if EXCUSED in self.flags else _CLEARED
        if code == INCOMPLETE:
            return _INCOMPLETE
        if mark.points is None:
            return _UNKNOWN
        fitted = self._fit_points(mark.points)
        return fitted._replace(warnings=(*fitted.warnings, Reason.EXCEPTION_NOT_SENT))


class Title(NamedTuple):
    """Hold a name fitted to the SIS; `stop` where it cannot be fitted."""

    name: str
    stop: Reason | None = None
    shortened: bool = False


def fit_title(text: str, capabilities: Capabilities, policy: Policy) -> Title:
    """Fit an assignment's name (R12): trimmed, and shortened only where the district chose that."""
    name = text.strip()
    if not name or _UNPRINTABLE.search(name):
        return Title(name, stop=Reason.TITLE_NOT_ACCEPTED)
    if len(name) <= capabilities.name_max:
        return Title(name)
    if not policy.shorten_titles:
        return Title(name, stop=Reason.TITLE_TOO_LONG)
    return Title(name[: capabilities.name_max].rstrip(), shortened=True)


def fit_total_points(points: Decimal | None, capabilities: Capabilities) -> Decimal | None:
    """Fit total points (R28), rounded to the decimals that the SIS keeps; None where it would refuse them."""
    if points is None or not points.is_finite() or not ZERO < points <= capabilities.points_max:
        return None
    return round_points(points, capabilities.score_decimals) or None


def round_points(points: Decimal, decimals: int) -> Decimal:
    """Round points to the decimals that the SIS keeps; the very same object where nothing is lost."""
    if round(points, decimals) == points:
        return points
    return points.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
