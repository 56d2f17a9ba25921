"""Start, follow and stop runs: syncs of many sections for the district."""

from collections import Counter
from typing import Annotated
from uuid import UUID

from fastapi import Body, Path, Response

from gradesync.api import pagination
from gradesync.api.auth import LogReader, RequestContext, RunStarter
from gradesync.api.middleware import Router
from gradesync.api.problems import problem_responses
from gradesync.api.schemas import Page
from gradesync.api.schemas import runs as schemas
from gradesync.api.schemas.render import sync_path
from gradesync.db import runs
from gradesync.db.runs import Run, RunSection
from gradesync.errors import RequestRefused
from gradesync.sync.runs import SKIPS, Choice, start_run, stop_run

router = Router("Runs", prefix="/runs")

RunId = Annotated[UUID, Path(description="The id of a run")]
LOCATION = {"Location": {"description": "The run", "schema": {"type": "string"}}}


@router.post(
    "",
    status_code=202,
    summary="Start a run",
    responses={
        202: {"headers": LOCATION},
        **problem_responses("runs-off", "run-in-progress", "run-empty"),
    },
)
async def post_run(
    *, context: RunStarter, response: Response, wanted: Annotated[schemas.RunRequest | None, Body()] = None
) -> schemas.Run:
    """Sync many sections: those with one reason, those of a school, some, or all; or preview them.

    Only where `policy.runs` allows it, and one at a time. A few of its syncs are in the queue at once, behind
    those that teachers ask for. A section that is being synced, or is paused, is skipped and named. Follow
    `Location` until `status` is `complete` or `stopped`.
    """
    request = wanted or schemas.RunRequest()
    run = await start_run(
        context.runtime.context,
        context.caller.district_id,
        Choice(sections=request.sections, school=request.school, reason=request.reason),
        context.by,
        mode=request.mode,
        dry_run=request.dry_run,
    )
    response.headers["location"] = f"/runs/{run.id}"
    return (await _render_runs(context, [run]))[0]


@router.get("", summary="List the runs", responses=problem_responses("cursor-not-valid"))
async def list_runs(
    *, context: LogReader, response: Response, limit: pagination.Limit = 50, cursor: pagination.Cursor = None
) -> Page[schemas.Run]:
    """List the runs of the last 30 days with their progress, newest first; those of schedules too."""
    listing = context.listing("/runs")
    before = listing.position(cursor)
    async with context.database() as db:
        rows = await runs.page(db, before=before[0] if before else None, limit=limit + 1)
    items, next_cursor = listing.paginate(response, rows, limit, lambda run: (str(run.id),))
    return Page(items=await _render_runs(context, items), next_cursor=next_cursor)


@router.get("/{run_id}", summary="Get a run", responses=problem_responses("run-not-found"))
async def get_run(*, context: LogReader, run_id: RunId) -> schemas.Run:
    """Return the progress of a run: how many sections are in which state. The counts add up to `total`."""
    return (await _render_runs(context, [await _existing(context, run_id)]))[0]


@router.get(
    "/{run_id}/sections",
    summary="List the sections of a run",
    responses=problem_responses("run-not-found", "cursor-not-valid"),
)
async def list_run_sections(
    *,
    context: LogReader,
    run_id: RunId,
    response: Response,
    limit: pagination.Limit = 50,
    cursor: pagination.Cursor = None,
) -> Page[schemas.RunSection]:
    """List the sections of a run in the order in which they are synced, each with its sync."""
    run = await _existing(context, run_id)
    listing = context.listing(f"/runs/{run.id}/sections")
    after = listing.position(cursor)
    async with context.database() as db:
        rows = await runs.page_sections(db, str(run.id), after=int(after[0]) if after else 0, limit=limit + 1)
    items, next_cursor = listing.paginate(response, rows, limit, lambda section: (str(section.number),))
    return Page(items=[_render_section(section) for section in items], next_cursor=next_cursor)


@router.post("/{run_id}/stop", summary="Stop a run", responses=problem_responses("run-not-found"))
async def post_stop(*, context: RunStarter, run_id: RunId) -> schemas.Run:
    """Stop a run. Nothing further begins, and the few syncs that are under way end; what was sent stays."""
    run = await stop_run(context.runtime.context, context.caller.district_id, str(run_id), context.by)
    if run is None:
        raise _unknown()
    return (await _render_runs(context, [run]))[0]


async def _existing(context: RequestContext, run_id: UUID) -> Run:
    async with context.database() as db:
        run = await runs.get(db, str(run_id))
    if run is None:
        raise _unknown()
    return run


def _unknown() -> RequestRefused:
    return RequestRefused("run-not-found", "The district has no such run.")


async def _render_runs(context: RequestContext, found: list[Run]) -> list[schemas.Run]:
    async with context.database() as db:
        counts = await runs.count(db, [run.id for run in found])
    return [_render_run(run, counts[run.id]) for run in found]


def _render_run(run: Run, parts: Counter[tuple[str, str | None]]) -> schemas.Run:
    numbers: Counter[str] = Counter()
    skips: Counter[str] = Counter()
    for (state, result), number in parts.items():
        numbers[_count_of(state, result)] += number
        if state == "skipped":
            skips[result or ""] += number
    return schemas.Run(
        id=run.id,
        status=run.status,
        chosen=run.chosen,
        mode=run.mode,
        dry_run=run.dry_run,
        requested_by=schemas.Decider(kind=run.requested_by_kind, id=run.requested_by_id),
        requested_at=run.requested_at,
        schedule_id=run.schedule_id,
        begins=run.begins,
        ends=run.ends,
        finishes_by=run.finishes_by,
        finished_at=run.finished_at,
        counts=schemas.RunCounts(total=numbers.total(), **numbers),
        skips=[_render_skip(code, number) for code, number in sorted(skips.items())],
        links={"self": f"/runs/{run.id}", "sections": f"/runs/{run.id}/sections"},
    )


def _count_of(state: str, result: str | None) -> str:
    """Return the count that a section belongs to."""
    if state in {"waiting", "skipped"}:
        return state
    if state in {"processing", "started"}:
        return "processing"
    return (result or "failed").replace("-", "_")


def _render_skip(code: str, number: int = 1) -> schemas.Skip:
    return schemas.Skip(code=code, title=SKIPS.get(code, ""), count=number)


def _render_section(section: RunSection) -> schemas.RunSection:
    under_way, skipped = section.state in {"processing", "started"}, section.state == "skipped"
    settled = not under_way and section.state != "waiting"
    return schemas.RunSection.model_validate(
        {
            "section_id": section.section_id,
            "state": "processing" if under_way else "settled" if settled and not skipped else section.state,
            "result": None if skipped else section.result,
            "skipped": _render_skip(section.result or "") if skipped else None,
            "sync": section.sync_id and sync_path(section.section_id, str(section.sync_id)),
        }
    )
