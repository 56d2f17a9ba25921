"""Let people change PowerSchool as a school year does: teachers, terms, codes, students, categories."""

from datetime import date
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from gradesync_sandbox.control.targets import NOT_FOUND, Room, SisStudent, TheWorld
from gradesync_sandbox.powerschool.rows import CO_TEACHER, ROLES

router = APIRouter(prefix="/sections/{section}/sis", tags=["PowerSchool, in the year"], responses=NOT_FOUND)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewTeacher(_Strict):
    """Hold a new person who teaches the section, with a role and perhaps dates."""

    first_name: str = "Robin"
    last_name: str = "Follower"
    role: int = Field(CO_TEACHER, description=f"ROLEDEF.ID: {ROLES}")
    first: date | None = None
    last: date | None = None
    copy_categories: bool = Field(True, description="Give categories of the lead's names, with new ids")


class Lead(_Strict):
    """Hold the new lead's USERS.DCID and first day (null: today)."""

    teacher: int
    first: date | None = None
    set_column: bool = Field(True, description="SECTIONS.TEACHER follows")


class LastDay(_Strict):
    """Hold a last day."""

    last: date


class TermDates(_Strict):
    """Hold the term's days. Only those that are given change."""

    first: date | None = None
    last: date | None = None


class Dcid(_Strict):
    """Hold a DCID that is not in use."""

    dcid: int


class Students(_Strict):
    """Hold students by STUDENTS.DCID."""

    students: list[int]


class StudentKeys(_Strict):
    """Hold a student's keys. Only those that are given change."""

    dcid: int | None = None
    id: int | None = None
    number: int | None = None


class NewCategory(_Strict):
    """Hold a category of the section's teacher."""

    name: str


class Order(_Strict):
    """Hold ids in their order."""

    order: list[int]


@router.get("/teachers")
async def teachers(world: TheWorld, room: Room) -> list[dict[str, Any]]:
    """List the section's rows of SECTIONTEACHER, ended ones too."""
    sis = world.powerschool
    return [
        {
            "teacher": sis.schoolstaff[row.teacherid].users_dcid,
            "role": ROLES.get(row.roleid),
            "first": row.start_date,
            "last": row.end_date,
            "in_sections_table": row.teacherid == room.sis.teacher,
        }
        for row in sis.sectionteachers[room.sis.id]
    ]


@router.post("/teachers", status_code=201)
async def add_teacher(world: TheWorld, room: Room, body: NewTeacher) -> dict[str, int]:
    """Let a new person teach the section beside the others."""
    sis = world.powerschool
    school = next(s for s in sis.schools.values() if s.school_number == room.sis.schoolid)
    teacher = sis.add_teacher(school, body.first_name, body.last_name)
    sis.assign_teacher(teacher, room.sis, role=body.role, first=body.first, last=body.last)
    if body.copy_categories:
        sis.copy_categories(room.sis_teacher, teacher)
    return {"teacher": teacher.dcid}


@router.put("/lead", status_code=204)
async def replace_lead(world: TheWorld, room: Room, body: Lead) -> None:
    """Make another teacher the section's lead; the former lead's row ends the day before."""
    teacher = world.powerschool.users[body.teacher]
    world.powerschool.replace_lead(room.sis, teacher, body.first, set_column=body.set_column)


@router.post("/teachers/{teacher}/end", status_code=204)
async def end_teaching(world: TheWorld, room: Room, teacher: int, body: LastDay) -> None:
    """Let a teacher's rows of the section end."""
    world.powerschool.end_teaching(world.powerschool.users[teacher], room.sis, body.last)


@router.put("/term/dates", status_code=204)
async def move_term(world: TheWorld, room: Room, body: TermDates) -> None:
    """Change the first or last day of the section's term."""
    world.powerschool.move_term(world.powerschool.term_of(room.sis), body.first, body.last)


@router.put("/dcid", status_code=204)
async def recode_section(world: TheWorld, room: Room, body: Dcid) -> None:
    """Give the section another DCID; its gradebook goes along."""
    world.powerschool.recode_section(room.sis, body.dcid)


@router.post("/split", status_code=201)
async def split_section(world: TheWorld, room: Room, body: Students) -> dict[str, int]:
    """Move students to a new section of the same course, term and teacher."""
    moved = [world.powerschool.students[dcid] for dcid in body.students]
    return {"dcid": world.powerschool.split_section(room.sis, moved).dcid}


@router.patch("/students/{student}/keys", status_code=204)
async def renumber_student(world: TheWorld, room: Room, student: SisStudent, body: StudentKeys) -> None:
    """Change a student's keys; enrollments and scores go along."""
    world.powerschool.renumber_student(student, dcid=body.dcid, id=body.id, number=body.number)


@router.post("/categories", status_code=201)
async def add_category(world: TheWorld, room: Room, body: NewCategory) -> dict[str, int]:
    """Add a category of the section's teacher."""
    return {"id": world.powerschool.add_category(room.sis_teacher, body.name).teachercategoryid}


@router.put("/categories/order", status_code=204)
async def reorder_categories(world: TheWorld, room: Room, body: Order) -> None:
    """List the teacher's categories in another order."""
    world.powerschool.reorder_categories(room.sis_teacher, body.order)


@router.delete("/categories/{category}", status_code=204)
async def delete_category(world: TheWorld, category: int) -> None:
    """Delete a category; assignments keep its id."""
    world.powerschool.delete_category(world.powerschool.categories[category])


@router.post("/categories/{category}/remake", status_code=201)
async def remake_category(world: TheWorld, category: int) -> dict[str, int]:
    """Delete a category and make one of the same name that takes its assignments."""
    sis = world.powerschool
    return {"id": sis.remake_category(sis.categories[category]).teachercategoryid}
