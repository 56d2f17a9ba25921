"""Render sections as bodies of the API."""

from collections.abc import Mapping

from gradesync.api import schemas
from gradesync.api.schemas import sections
from gradesync.api.schemas.render import (
    render_pause,
    render_reason,
    render_sis_section,
    section_path,
    sync_path,
)
from gradesync.db.links import SectionLink
from gradesync.db.overview import NEVER
from gradesync.db.queue import Pause
from gradesync.db.section_search import SectionState


def render_section(
    link: SectionLink, state: SectionState | None, pause: Pause | None = None
) -> schemas.Section:
    """Render the link of a section, with what its last sync came to and the pause that it is under."""
    path = section_path(link.section_id)
    return schemas.Section(
        id=link.section_id,
        title=(state and state.title) or link.title or None,
        school=(state and state.school) or link.school,
        code=link.code or (state and state.code),
        sis_section=link.sis and render_sis_section(link.sis),
        teacher=link.teacher,
        chosen=link.chosen,
        teachers=render_teachers(state.teachers) if state else [],
        latest=_render_latest(state) if state else None,
        paused=render_pause(pause),
        links={name: f"{path}/{name}" for name in ("syncs", "assignments", "categories")},
    )


def render_teachers(teachers: Mapping[str, str]) -> list[sections.SectionTeacher]:
    """Render the course admins of a section by their names; `teachers` is by uid."""
    named = sorted(teachers.items(), key=lambda teacher: (teacher[1].casefold(), teacher[0]))
    return [sections.SectionTeacher(id=uid, name=name or None) for uid, name in named]


def _render_latest(state: SectionState) -> sections.LatestSync | None:
    if state.result == NEVER:
        return None
    counted = sorted(state.reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    reasons = [
        sections.ReasonCount(reason=render_reason(code), items=number) for code, number in counted if number
    ]
    return sections.LatestSync.model_validate(
        {
            "result": state.result,
            "settled_at": state.settled_at,
            "reasons": reasons,
            "links": {"sync": sync_path(state.section_id, str(state.sync_id))},
        }
    )
