"""Find what was lost: wake-ups, marks of waiting districts, leases that lapsed, syncs past their deadline."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.catalog import Attention, judge_sync
from gradesync.core.reasons import Reason, Result
from gradesync.db import districts, outcomes, queue, syncs
from gradesync.db.outcomes import Kind, Outcome, RecordedOutcome, summarize
from gradesync.db.syncs import Sync
from gradesync.observability.rotation import concerns_all
from gradesync.sync.context import SyncContext
from gradesync.sync.counts import SWEEPS, WRITES, record_settled, render_counts

log = structlog.get_logger()

CIRCUITS_SECONDS = 1.0
NOTIFY_AFTER = 5  # seconds after which the wake-up of a sync that nobody claimed may be lost


@dataclass(frozen=True, slots=True)
class SweepCounts:
    """Count what one sweep did: districts with work that it notified again, and syncs that it settled."""

    notified: int
    settled: int


async def sweep(context: SyncContext) -> SweepCounts:
    """Notify workers of work that waits, and settle syncs past `settles_by`. Needs PostgreSQL only.

    Safe in any number of processes: a repeated wake-up costs nothing, and a sync settles once.
    """
    async with context.database.without_tenant() as db:
        overdue = await queue.list_overdue(db)
        wrong = await queue.list_wrong_turns(db)
        waiting = await queue.list_overlooked_districts(
            db, older_than_seconds=NOTIFY_AFTER, takeover_wait_seconds=context.limits.call_timeout
        )
    for district_id in waiting:
        await context.wakeup.notify(district_id)
    SWEEPS.labels("notified").inc(len(waiting))
    syncs_of: defaultdict[str, list[str]] = defaultdict(list)
    for district_id, sync_id in overdue:
        syncs_of[district_id].append(sync_id)
    rotations = context.rotations
    settled = await rotations.overdue.serve(syncs_of, lambda id_: _settle_all(context, id_, syncs_of[id_]))
    SWEEPS.labels("settled").inc(settled)
    # At last, since each waits for a lock that a stopped process may hold.
    await rotations.wrong_turns.serve(wrong, partial(_correct_turn, context))
    return SweepCounts(notified=len(waiting), settled=settled)


async def _settle_all(context: SyncContext, district_id: str, sync_ids: Sequence[str]) -> int:
    """Settle syncs of a district; one that fails does not keep the others."""
    cause, settled, failed = await _explain_wait(context, district_id), 0, None
    for sync_id in sync_ids:
        try:
            settled += await _settle(context, district_id, sync_id, cause)
        except Exception as error:
            if concerns_all(error):
                raise
            failed = error
    if failed is not None:
        raise failed
    return settled


async def _correct_turn(context: SyncContext, district_id: str) -> int:
    async with context.database.with_lock(district_id, queue.CLAIMS) as db:
        await queue.correct_turn(db)
    return 1


async def settle_overdue(context: SyncContext, district_id: str, sync_id: str) -> bool:
    """Settle a sync that is past its deadline as failed `timed-out`; False where it is not, or is settled.

    What was recorded stands; what was read and has no outcome is failed, not attempted, by one outcome for
    all of it. The detail names systems that no sync of the district may call now.
    """
    async with context.database.district(district_id) as db:
        if not await syncs.is_overdue(db, sync_id):
            return False
    return await _settle(context, district_id, sync_id, await _explain_wait(context, district_id))


async def _settle(context: SyncContext, district_id: str, sync_id: str, detail: str) -> bool:
    async with context.database.district(district_id) as db:
        settled = await settle_as_failed(db, sync_id, None, Reason.TIMED_OUT, detail)
    if settled is None:  # by now
        return False
    record_settled(settled)
    log.warning("sync.timed-out", district=district_id, sync=str(sync_id))
    return True


async def _explain_wait(context: SyncContext, district_id: str) -> str:
    """Return why a district's syncs wait, as far as it is known at once: a sync ends without it too."""
    with suppress(Exception):
        async with context.database.district(district_id) as db:
            district = await districts.get(db)
        async with asyncio.timeout(CIRCUITS_SECONDS):
            return render_circuits(await context.systems.open_circuits(district)) if district else ""
    return ""


async def settle_as_failed(
    db: AsyncSession, sync_id: str, token: str | None, reason: Reason, detail: str
) -> Sync | None:
    """Settle a sync as failed with what is stored of it. Without a `token` only an overdue one.

    The caller counts it in the metrics, once the transaction is over. None where it is not ours to end.
    """
    sync = await queue.lock(db, sync_id)
    if sync is None:
        return None
    recorded = await outcomes.count_recorded(db, sync_id)
    assignments = _close("assignment", sync.assignments, recorded["assignment"])
    scores = _close("score", sync.scores, recorded["score"])
    wrote = not sync.dry_run and any(assignments.counts.get(k) or scores.counts.get(k) for k in WRITES)
    attention = Attention(assignments.attention, scores.attention)
    settled = await syncs.settle(
        db,
        sync_id,
        token,
        status="failed",
        applied="some" if wrote else "none",
        result=judge_sync(reason, (assignments.counts, scores.counts), attention, wrote=wrote),
        attention=attention,
        reasons=dict(assignments.reasons + scores.reasons),
        assignments=assignments.counts,
        scores=scores.counts,
        error_code=reason,
        error_detail=detail,
    )
    if settled is not None:
        await outcomes.record(db, sync_id, assignments.summaries + scores.summaries)
    return settled


class _Closed(NamedTuple):
    """Hold the final counts of a kind, and summaries of what was read and has no outcome."""

    counts: dict[str, int]
    attention: int
    reasons: Counter[str]
    summaries: list[Outcome]


def _close(kind: Kind, counts: Mapping[str, int], recorded: Counter[RecordedOutcome]) -> _Closed:
    """Close the counts of a kind: what was pending failed.

    `counts` are those of the last progress, `recorded` counts the outcomes that are stored.
    """
    results, reasons = Counter[str](), Counter[str]()
    for row, number in recorded.items():
        results[row.result] += number
        reasons.update(dict.fromkeys(row.reasons, number))
    unchanged = max(0, counts.get(Result.UNCHANGED, 0) - results[Result.UNCHANGED])
    missing = max(0, counts.get("read", 0) - recorded.total() - unchanged)
    summaries = [
        summarize(kind, Result.UNCHANGED, unchanged),
        summarize(kind, Result.FAILED, missing, reason=Reason.NOT_ATTEMPTED),
    ]
    results[Result.FAILED] += missing
    reasons[Reason.NOT_ATTEMPTED] += missing
    attention = missing + sum(number for row, number in recorded.items() if row.needs_attention)
    listed = [summary for summary in summaries if summary.count]
    return _Closed(render_counts(kind, results, unchanged), attention, reasons, listed)


def render_circuits(systems: Sequence[str]) -> str:
    """Return the systems whose circuit is open, in words; empty for none."""
    return f"circuit open: {', '.join(systems)}" if systems else ""
