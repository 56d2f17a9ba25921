"""Serve a district at a glance."""

from collections.abc import Mapping
from dataclasses import asdict
from urllib.parse import urlencode

from gradesync.api.auth import LinkReader
from gradesync.api.middleware import Router
from gradesync.api.schemas import overview as schemas
from gradesync.api.schemas.render import render_reason
from gradesync.core.overview import Counts
from gradesync.core.ports import BudgetState
from gradesync.db import overview
from gradesync.db.overview import Group, ReasonCount

router = Router("District")


@router.get("/overview", summary="Get the district at a glance")
async def get_overview(*, context: LinkReader) -> schemas.Overview:
    """Count the sections by what their last syncs came to: by school, by term, and for the last 30 days.

    With it come the reasons that need attention, what waits in the queue, and how both systems can be called.
    A sync of chosen assignments, or a retry, never makes a section `all-sent`: only a sync of the whole does.
    """
    async with context.database() as db:
        found = await overview.read(db)
    states = await context.runtime.systems.read_states(await context.district())
    return schemas.Overview(
        as_of=found.as_of,
        sections=_render_all(found.sections),
        schools=[_render_school(group) for group in found.schools],
        terms=[_render_term(group) for group in found.terms],
        days=[schemas.DayCounts(day=day, sections=_render_counts(counts)) for day, counts in found.days],
        reasons=[_render_reason(reason) for reason in found.reasons],
        queue=schemas.QueueState(**asdict(found.queue)),
        systems=[_render_system(system, state) for system, state in states.items()],
    )


def _named(counts: Counts) -> dict[str, int]:
    return {state.replace("-", "_"): number for state, number in counts.items()}


def _render_counts(counts: Counts) -> schemas.SectionCounts:
    return schemas.SectionCounts(**_named(counts))


def _render_all(counts: Counts) -> schemas.AllSectionCounts:
    return schemas.AllSectionCounts(**_named(counts), total=sum(counts.values()))


def _render_school(group: Group) -> schemas.SchoolCounts:
    (school,) = group.key
    return schemas.SchoolCounts(
        school=school,
        sections=_render_all(group.counts),
        links=_link({"school": school} if school else {}),
    )


def _render_term(group: Group) -> schemas.TermCounts:
    first, last = group.key
    return schemas.TermCounts.model_validate(
        {
            "first": first,
            "last": last,
            "sections": _render_all(group.counts),
            "links": _link({"term": f"{first}/{last}"} if first and last else {}),
        }
    )


def _render_reason(found: ReasonCount) -> schemas.ReasonCounts:
    return schemas.ReasonCounts(
        reason=render_reason(found.code),
        sections=found.sections,
        items=found.items,
        links=_link({"reason": found.code}),
    )


def _link(query: Mapping[str, str]) -> dict[str, str]:
    """Return the list of the sections behind a number; none where they have nothing to be found by."""
    return {"sections": f"/sections?{urlencode(query)}"} if query else {}


def _render_system(system: str, state: BudgetState | None) -> schemas.SystemState:
    return schemas.SystemState(
        system=system,
        known=state is not None,
        circuit_open=state is not None and state.circuit_open,
        calls_used=state.used if state else 0,
        calls_limit=state.limit if state else None,
        window_seconds=state.window if state else 0.0,
        paused_seconds=state.paused_seconds if state else 0.0,
    )
