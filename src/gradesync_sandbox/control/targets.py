"""Find the objects that the control API acts on by the ids in its addresses."""

from typing import Annotated

from fastapi import Depends, HTTPException, Path, Request

from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.faults import Faults
from gradesync_sandbox.oneroster.state import OneRoster
from gradesync_sandbox.powerschool.rows import Assignment, AssignmentSection, Student

NOT_FOUND: dict[int | str, dict[str, object]] = {404: {"description": "No such thing in this district"}}


async def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


async def _faults(request: Request) -> Faults:
    faults: Faults = request.app.state.faults
    return faults


async def _face(request: Request) -> OneRoster | None:
    face: OneRoster | None = request.app.state.oneroster
    return face


TheFace = Annotated[OneRoster | None, Depends(_face)]
TheWorld = Annotated[World, Depends(_world)]
TheFaults = Annotated[Faults, Depends(_faults)]


async def _classroom(
    world: TheWorld, section: Annotated[int, Path(description="The section's id in Schoology")]
) -> Classroom:
    found = [room for room in world.classrooms if room.section.id == section]
    if not found:
        raise HTTPException(404, f"no section {section}")
    return found[0]


Room = Annotated[Classroom, Depends(_classroom)]


async def _sis_assignment(
    world: TheWorld, room: Room, assignment: Annotated[int, Path(description="ASSIGNMENTID")]
) -> tuple[Assignment, AssignmentSection]:
    found = world.powerschool.gradebook.assignments.get(assignment)
    if found is None:
        raise HTTPException(404, f"no assignment {assignment} in the SIS")
    return found, found.section(room.sis.dcid)


async def _sis_student(
    world: TheWorld, student: Annotated[int, Path(description="STUDENTS.DCID")]
) -> Student:
    return world.powerschool.students[student]


SisAssignment = Annotated[tuple[Assignment, AssignmentSection], Depends(_sis_assignment)]
SisStudent = Annotated[Student, Depends(_sis_student)]
