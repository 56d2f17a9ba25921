"""Build the control API as an application."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from gradesync_sandbox.control import schoology, schoology_year, sis, sis_year, systems
from gradesync_sandbox.control.targets import Room, TheWorld
from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.faults import Faults
from gradesync_sandbox.oneroster.state import OneRoster

_DESCRIPTION = """
Plays the people of an invented district: the teacher who grades in Schoology, whoever edits the SIS, the
administrator who locks a term, and the network that fails. Sections are named by their Schoology id, users of
Schoology by uid, students of the SIS by STUDENTS.DCID. Points are decimal texts.
"""


def control_app(world: World, faults: Faults, oneroster: OneRoster | None = None) -> FastAPI:
    """Return the control API of one sandbox. Serve it in the event loop that serves the simulators."""
    app = FastAPI(title="gradesync sandbox", description=_DESCRIPTION, version="1")
    app.state.world, app.state.faults, app.state.oneroster = world, faults, oneroster
    app.add_api_route("/sections", sections, tags=["Sections"])
    app.add_api_route("/sections/{section}", section, tags=["Sections"])
    for part in (schoology_year, schoology, sis_year, sis, systems):
        app.include_router(part.router)
    app.add_exception_handler(KeyError, _not_found)
    return app


async def sections(world: TheWorld) -> list[dict[str, Any]]:
    """List the classes that exist on both sides."""
    return [_shown(room) for room in world.classrooms]


async def section(room: Room) -> dict[str, Any]:
    """Show one class with its people: each student's uid in Schoology and DCID in the SIS."""
    students = [{"uid": uid, "dcid": student.dcid} for uid, student in room.students.items()]
    return _shown(room) | {"students": students, "odd": room.odd}


def _shown(room: Classroom) -> dict[str, Any]:
    return {
        "section": room.section.id,
        "name": room.section.name,
        "teacher_uid": room.teacher.uid,
        "sis_section_dcid": room.sis.dcid,
        "sis_teacher_dcid": room.sis_teacher.dcid,
        "term": {"name": room.term.name, "first": room.term.firstday, "last": room.term.lastday},
        "assignments": len(room.section.standing()),
        "students": len(room.students),
    }


async def _not_found(request: Request, missing: Exception) -> JSONResponse:
    return JSONResponse({"detail": f"not found: {missing}"}, 404)
