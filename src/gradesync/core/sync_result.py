"""Judge what a settled sync came to: the one answer that the page, the log, the API and webhooks give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gradesync.core.catalogue import CATALOGUE
from gradesync.core.plan import Result
from gradesync.core.reasons import Reason


class SyncResult(StrEnum):
    """Name what a settled sync came to.

    `ALL_SENT`: the SIS holds everything, as far as the teacher wants it there. `NEEDS_ATTENTION`: it holds
    some of it, or something there needs a look. `STOPPED_FOR_REVIEW`: nothing was sent, a person must look
    first. `FAILED`: nothing could be sent.
    """

    ALL_SENT = "all-sent"
    NEEDS_ATTENTION = "needs-attention"
    STOPPED_FOR_REVIEW = "stopped-for-review"
    FAILED = "failed"


REVIEWS = frozenset({Reason.MASS_CHANGE, Reason.PLAN_CHANGED})
# What the SIS holds as it should, by this sync or by an earlier one.
IN_PLACE = frozenset(Result) - {Result.SKIPPED, Result.FAILED}


# A code of a later release is not among them.
_CALM = frozenset[str](code for code, entry in CATALOGUE.items() if not entry.needs_attention)


@dataclass(frozen=True, slots=True)
class Attention:
    """Count the assignments and the scores that need attention.

    A score whose assignment needs attention is not counted again.
    """

    assignments: int = 0
    scores: int = 0

    def __bool__(self) -> bool:
        return bool(self.assignments or self.scores)


NO_ATTENTION = Attention()


def needs_attention(result: Result, reason: str | None, warnings: Sequence[str]) -> bool:
    """Return True where the SIS does not hold what Schoology holds, and no teacher chose that.

    A score that only shares the fate of its assignment needs none of its own.
    """
    stopped = result in {Result.SKIPPED, Result.FAILED}
    codes = (*warnings, reason) if stopped and reason else warnings
    return not _CALM.issuperset(codes)


def judge_sync(
    error: str | None, counts: Sequence[Mapping[str, int]], attention: Attention, *, wrote: bool
) -> SyncResult:
    """Return what a settled sync came to.

    `error` stopped it. `counts` are those of assignments and of scores, by result. `wrote`: something was
    written to the SIS.
    """
    if error in REVIEWS:
        return SyncResult.STOPPED_FOR_REVIEW
    if error is not None:
        return SyncResult.NEEDS_ATTENTION if wrote else SyncResult.FAILED
    if any(count.get(Result.FAILED) for count in counts):
        held = any(count.get(kind) for count in counts for kind in IN_PLACE)
        return SyncResult.NEEDS_ATTENTION if held else SyncResult.FAILED
    return SyncResult.NEEDS_ATTENTION if attention else SyncResult.ALL_SENT
