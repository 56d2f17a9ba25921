"""Fit what the source holds to what the SIS can hold: titles, points, scores, categories."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import NamedTuple
from unicodedata import normalize

from gradesync.core.gradebook import (
    EXCUSED,
    INCOMPLETE,
    MISSING,
    Assignment,
    Category,
    Gradebook,
    Mark,
    Score,
)
from gradesync.core.graphemes import cut_text
from gradesync.core.ledger import LedgerAssignment, Value
from gradesync.core.reasons import Reason
from gradesync.core.sis import Capabilities, Policy, Ref, SisCategory

ZERO = Decimal(0)

# Controls, line separators, bidirectional embeddings and isolates, surrogates: no SIS shows them as typed.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


# Blank, although Unicode calls them letters, a symbol or marks: Hangul fillers, blank braille, selectors.
_FILLERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def is_visible(text: str) -> bool:
    """Return True where a text has a character that people can see: no space, control, format or filler."""
    return any(unicodedata.category(each)[0] not in "ZC" and not _FILLERS.match(each) for each in text)


class Fitted(NamedTuple):
    """Hold a score fitted to the SIS: the value that it should have, or the reason why nothing is sent.

    `excused`: a blank that the teacher asked for, not one that merely has no grade. `instead`: its mark only
    takes the place of a score.
    """

    value: Value = None
    warnings: tuple[Reason, ...] = ()
    stop: Reason | None = None
    excused: bool = False
    instead: bool = False


_BLANK = Fitted()
_CLEARED = Fitted(excused=True)
_EXCUSED = Fitted(Mark(EXCUSED), excused=True)
_ZERO = Fitted(ZERO)
_INCOMPLETE = Fitted(stop=Reason.INCOMPLETE_NOT_SENT)
_UNKNOWN = Fitted(stop=Reason.UNKNOWN_EXCEPTION)


@dataclass(frozen=True, slots=True)
class ScoreFitter:
    """Fit scores to one SIS and one district: at most `largest`, with so many `decimals`.

    `flags` are the exceptions that go as the SIS's own marks beside the points. `clears` is False where the
    SIS keeps every score for ever. `excuses`: it shows an excused score as such, without a flag too.
    """

    largest: Decimal
    decimals: int
    flags: frozenset[int]
    clears: bool = True
    excuses: bool = False

    @classmethod
    def of(cls, capabilities: Capabilities, policy: Policy) -> "ScoreFitter":
        able = capabilities
        flags = able.exception_flags if policy.exception_flags else frozenset[int]()
        return cls(able.score_max, able.score_decimals, flags, able.clears, able.excuses)

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
            if EXCUSED in self.flags:
                return _EXCUSED
            return _EXCUSED._replace(instead=True) if self.excuses else _CLEARED
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


def fill_due(assignment: Assignment, periods: Mapping[str, date], last: date) -> date | None:
    """Return the day on which an assignment is due, the earlier of two `last` days where it has none (R13).

    None where it names a grading period whose last day is not known.
    """
    if assignment.due is not None or assignment.period_id is None:
        return assignment.due or last
    period_ends = periods.get(assignment.period_id)
    return period_ends and min(period_ends, last)


def fit_title(text: str, capabilities: Capabilities, policy: Policy, sent: Set[str]) -> Title:
    """Fit an assignment's name (R12): trimmed, and shortened only where the district chose that.

    `sent` are names that were sent: a name that an earlier release cut inside of a character stays.
    """
    name = text.strip()
    if not is_visible(name) or _UNPRINTABLE.search(name):
        return Title(name, stop=Reason.TITLE_NOT_ACCEPTED)
    if len(name) <= capabilities.name_max:
        return Title(name)
    if not policy.shorten_titles:
        return Title(name, stop=Reason.TITLE_TOO_LONG)
    plain = name[: capabilities.name_max].rstrip()
    cut = plain if plain in sent else cut_text(name, capabilities.name_max).rstrip()
    return Title(cut, shortened=True)


def has_temporary_name(entry: LedgerAssignment) -> bool:
    """Return True if an assignment was last sent by its temporary name."""
    return entry.spec is not None and entry.spec.name.endswith(temporary_suffix(entry.id))


def temporary_suffix(assignment_id: str) -> str:
    """Return what a temporary name ends with."""
    return f" ({assignment_id})"


def fit_total_points(points: Decimal | None, capabilities: Capabilities) -> Decimal | None:
    """Fit total points (R28), rounded to the decimals that the SIS keeps; None where it would refuse them."""
    if points is None or not points.is_finite() or not ZERO < points <= capabilities.points_max:
        return None
    if capabilities.whole_points and points != points.to_integral_value():
        return None  # rounded they would change every grade
    return round_points(points, capabilities.score_decimals) or None


def round_points(points: Decimal, decimals: int) -> Decimal:
    """Round points to the decimals that the SIS keeps; the very same object where nothing is lost."""
    if round(points, decimals) == points:
        return points
    return points.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Pairing:
    """Map the categories of the source to those of the SIS.

    `pairs`: source category id -> SIS category, the kept ones and the new. `made`: the new ones alone, to be
    kept from now on. `refused`: the reason why a source category has no pair although its title leads to the
    SIS, or led there before. `closed`: kept pairs whose SIS category takes no new assignments: it is inactive
    or gone. `titles`: source category titles.
    """

    pairs: Mapping[str, Ref]
    made: Mapping[str, SisCategory]
    refused: Mapping[str, Reason]
    closed: Mapping[str, Ref] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)


def pair(
    source: Sequence[Category],
    sis: Sequence[SisCategory],
    kept: Mapping[str, Ref],
    *,
    many_to_one: bool,
    in_use: Set[str] = frozenset(),
    partial: bool = False,
    listed: bool = False,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> Pairing:
    """Keep every kept pair whose two sides live, whatever their titles are by now, and pair the rest (R44).

    `kept` is by source category id. Without `many_to_one` a SIS category takes one source category.
    `in_use` are the source categories that assignments have, `partial`: `source` lacks some. `listed`: `sis`
    is the SIS's list of today: a category which it lacks is gone. `titles` (source -> SIS) lists the pairs
    whose titles differ.
    """
    if sis and sis[0].takes_all:
        return _pair_all(source, sis[0], kept)
    alive, closed = _select_alive(kept, _titles(source).keys() | in_use, sis, listed=listed)
    renamed = {normalize_title(ours): normalize_title(theirs) for ours, theirs in titles.items()}
    own = {category.id: normalize_title(category.title) for category in source}
    wanted = {category_id: renamed.get(title, title) for category_id, title in own.items()}
    alike = Counter(own.values())
    rivals = Counter(title for category_id, title in wanted.items() if category_id not in alive)
    by_title = {normalize_title(category.title): category for category in sis if category.active}
    sis_titles = Counter(normalize_title(category.title) for category in sis if category.active)
    taken = set() if many_to_one else _find_taken(alive, None if partial else own.keys())
    made, refused = dict[str, SisCategory](), _refuse_closed(closed, sis)
    for category in (each for each in source if each.id not in alive and wanted[each.id] in sis_titles):
        title = wanted[category.id]
        if alike[own[category.id]] > 1 or sis_titles[title] > 1:
            refused[category.id] = Reason.CATEGORY_AMBIGUOUS
        elif by_title[title].ref.key in taken or (rivals[title] > 1 and not many_to_one):
            refused[category.id] = Reason.CATEGORY_TAKEN
        else:
            made[category.id] = by_title[title]
    left = {key: ref for key, ref in closed.items() if key not in made}
    return Pairing(alive | _refs(made), made, refused, left, _titles(source))


def _find_taken(pairs: Mapping[str, Ref], listed: Set[str] | None) -> set[str]:
    """Return what pairs hold of the SIS; one whose source category is not `listed` holds nothing (R44)."""
    return {ref.key for category_id, ref in pairs.items() if listed is None or category_id in listed}


def find_categories_in_use(gradebook: Gradebook) -> frozenset[str]:
    """Return the ids of the categories that assignments have, those too that are not listed."""
    return frozenset(item.category_id for item in gradebook.assignments if item.category_id)


def _pair_all(source: Sequence[Category], taker: SisCategory, kept: Mapping[str, Ref]) -> Pairing:
    """Pair every source category with the one that stands for a SIS without categories."""
    made = {category.id: taker for category in source if kept.get(category.id) != taker.ref}
    pairs = {category.id: taker.ref for category in source}
    return Pairing(pairs, made, {}, titles=_titles(source))


def _refs(made: Mapping[str, SisCategory]) -> dict[str, Ref]:
    return {key: category.ref for key, category in made.items()}


def _titles(source: Iterable[Category]) -> dict[str, str]:
    return {category.id: category.title for category in source}


def _select_alive(
    kept: Mapping[str, Ref], ours: Set[str], sis: Sequence[SisCategory], *, listed: bool
) -> tuple[dict[str, Ref], dict[str, Ref]]:
    """Return the kept pairs both of whose sides live, and those whose SIS category is inactive or gone."""
    active = {category.ref.key for category in sis if category.active}
    pairs = {category_id: ref for category_id, ref in kept.items() if category_id in ours}
    if not listed:
        return pairs, {}
    alive = {category_id: ref for category_id, ref in pairs.items() if ref.key in active}
    return alive, {category_id: ref for category_id, ref in pairs.items() if ref.key not in active}


def _refuse_closed(closed: Mapping[str, Ref], sis: Sequence[SisCategory]) -> dict[str, Reason]:
    listed = {category.ref.key for category in sis}
    return {
        category_id: Reason.CATEGORY_INACTIVE if ref.key in listed else Reason.CATEGORY_UNMAPPED
        for category_id, ref in closed.items()
    }


def restore_pairs(titles: Mapping[str, str], sis: Iterable[SisCategory]) -> dict[str, Ref]:
    """Find pairs again among another teacher's SIS categories, by the SIS titles that they had.

    `titles` is by source category id. A title that no active category has, or several, is left out.
    """
    by_title: dict[str, list[Ref]] = {}
    for category in sis:
        if category.active:
            by_title.setdefault(normalize_title(category.title), []).append(category.ref)
    matches = {category_id: by_title.get(normalize_title(title), []) for category_id, title in titles.items()}
    return {category_id: refs[0] for category_id, refs in matches.items() if len(refs) == 1}


def normalize_title(title: str) -> str:
    """Return a title in the form in which titles are compared: NFC, single spaces, trimmed, case-folded."""
    return normalize("NFC", " ".join(normalize("NFC", title).split()).casefold())
