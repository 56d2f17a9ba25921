"""Let people act in PowerSchool, and show its gradebook."""

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from gradesync_sandbox.control.targets import NOT_FOUND, Room, SisAssignment, SisStudent, TheWorld
from gradesync_sandbox.powerschool.rows import LEAD, Assignment
from gradesync_sandbox.powerschool.state import PowerSchool

router = APIRouter(prefix="/sections/{section}/sis", tags=["PowerSchool"], responses=NOT_FOUND)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SisScore(_Strict):
    """Hold a score that a teacher types into the SIS; null empties the cell."""

    points: Decimal | None = Field(examples=["8"])


class SisAssignmentChange(_Strict):
    """Hold fields of a SIS assignment in this section. Only those that are given change."""

    name: str | None = None
    due: date | None = None
    points: Decimal | None = None
    scoretype: Literal["POINTS", "PERCENT", "GRADESCALE", "COLLECTED"] | None = None
    hidden_from_lists: bool | None = Field(None, description="Lists leave it out; by id it is found")
    locked: bool | None = Field(None, description="Closed for changes, though its term is open")


class NewSisAssignment(_Strict):
    """Hold an assignment that a teacher makes in the SIS, shared with other sections if any are named."""

    name: str
    due: date
    category: int = Field(description="TEACHERCATEGORYID")
    points: Decimal = Decimal(10)
    shared_with: list[int] = Field(default_factory=list, description="SECTIONS.DCID of other sections")


class Locked(_Strict):
    """State whether the section's term is closed for changes."""

    locked: bool


class Teaches(_Strict):
    """State whether the section's teacher still teaches it."""

    teaches: bool


class CategoryChange(_Strict):
    """Hold fields of a SIS category. Only those that are given change."""

    name: str | None = None
    isactive: bool | None = None


@router.get("/gradebook")
async def gradebook(
    world: TheWorld, room: Room, students: Literal["dcid", "uid"] = "dcid"
) -> dict[str, dict[int, str | None]]:
    """Show the SIS gradebook of the section as a table: assignment name, student, text of the cell.

    Students are named by STUDENTS.DCID, or by their Schoology uid where they have one.
    """
    table = world.powerschool.gradebook.table(room.sis)
    if students == "dcid":
        return table
    uids = {student.dcid: uid for uid, student in room.students.items()}
    return {name: {uids[k]: v for k, v in cells.items() if k in uids} for name, cells in table.items()}


@router.get("/assignments")
async def assignments(world: TheWorld, room: Room) -> list[dict[str, Any]]:
    """List the SIS assignments of the section, without scores."""
    return [_shown(room.sis.dcid, a) for a in world.powerschool.gradebook.of_section(room.sis)]


@router.get("/categories")
async def categories(world: TheWorld, room: Room) -> list[dict[str, Any]]:
    """List the categories of the section's teacher."""
    mine = (c for c in world.powerschool.categories.values() if c.usersdcid == room.sis_teacher.dcid)
    return [{"id": c.teachercategoryid, "name": c.name, "isactive": c.isactive} for c in mine]


@router.patch("/categories/{category}", status_code=204)
async def edit_category(world: TheWorld, room: Room, category: int, body: CategoryChange) -> None:
    """Rename a category, or take it out of use."""
    found = world.powerschool.categories[category]
    found.name = found.name if body.name is None else body.name
    found.isactive = found.isactive if body.isactive is None else body.isactive


@router.post("/assignments", status_code=201)
async def add_assignment(world: TheWorld, room: Room, body: NewSisAssignment) -> dict[str, Any]:
    """Make an assignment as a teacher does in PowerTeacher Pro."""
    sis = world.powerschool
    sections = [room.sis, *(sis.sections[dcid] for dcid in body.shared_with)]
    category = sis.categories[body.category]
    made = sis.gradebook.add_assignment(sections, body.name, category, due=body.due, points=body.points)
    return _shown(room.sis.dcid, made)


@router.patch("/assignments/{assignment}")
async def edit_assignment(
    world: TheWorld, room: Room, found: SisAssignment, body: SisAssignmentChange
) -> dict[str, Any]:
    """Change an assignment as a teacher does in PowerTeacher Pro."""
    assignment, part = found
    fields = body.model_dump(exclude={"hidden_from_lists", "locked"})
    world.powerschool.gradebook.edit_assignment(part, **fields)
    if body.locked is not None:
        world.powerschool.gradebook.lock_assignment(part, locked=body.locked)
    if body.hidden_from_lists is not None:
        world.powerschool.gradebook.hide_from_lists(assignment, hidden=body.hidden_from_lists)
    return _shown(room.sis.dcid, assignment)


@router.delete("/assignments/{assignment}", status_code=204)
async def delete_assignment(world: TheWorld, found: SisAssignment) -> None:
    """Delete an assignment in the SIS, with its scores."""
    world.powerschool.gradebook.delete_assignment(found[0].assignmentid)


@router.put("/assignments/{assignment}/scores/{student}", status_code=204)
async def edit_score(world: TheWorld, found: SisAssignment, student: SisStudent, body: SisScore) -> None:
    """Type a score into the SIS."""
    world.powerschool.gradebook.edit_score(found[1], student, body.points)


@router.delete("/assignments/{assignment}/scores/{student}", status_code=204)
async def delete_score(world: TheWorld, found: SisAssignment, student: SisStudent) -> None:
    """Take a score's row out of the SIS."""
    world.powerschool.gradebook.delete_score(found[1], student)


@router.post("/students/{student}/enroll", status_code=204)
async def enroll(world: TheWorld, room: Room, student: SisStudent) -> None:
    """Put a student into the SIS section, again if they left it."""
    world.powerschool.enroll(student, room.sis)


@router.post("/students/{student}/drop", status_code=204)
async def drop(world: TheWorld, room: Room, student: SisStudent) -> None:
    """Take a student out of the SIS section."""
    world.powerschool.drop(student, room.sis)


@router.put("/term", status_code=204)
async def lock_term(world: TheWorld, room: Room, body: Locked) -> None:
    """Lock or unlock the section's term."""
    world.powerschool.lock_term(room.term, locked=body.locked)


@router.put("/teacher", status_code=204)
async def assign_teacher(world: TheWorld, room: Room, body: Teaches) -> None:
    """Take the section from its teacher, or give it back."""
    sis: PowerSchool = world.powerschool
    sis.unassign_teacher(room.sis_teacher, room.sis)
    if body.teaches:
        sis.assign_teacher(room.sis_teacher, room.sis, role=LEAD)


def _shown(sectionsdcid: int, assignment: Assignment) -> dict[str, Any]:
    part = assignment.section(sectionsdcid)
    return {
        "assignmentid": assignment.assignmentid,
        "assignmentsectionid": part.assignmentsectionid,
        "name": part.name,
        "due": part.duedate,
        "points": part.scoreentrypoints,
        "scoretype": part.scoretype,
        "counts_in_final": part.iscountedinfinalgrade,
        "categories": [assoc.teachercategoryid for assoc in part.categories],
        "created_by_plugin": assignment.createdbyplugin,
        "sections": [other.sectionsdcid for other in assignment.sections],
    }
