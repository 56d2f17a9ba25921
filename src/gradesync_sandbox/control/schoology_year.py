"""Let administrators change Schoology as a school year does: enrollments, accounts, categories, imports."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from gradesync_sandbox.control.targets import NOT_FOUND, Room, TheWorld

router = APIRouter(tags=["Schoology, in the year"], responses=NOT_FOUND)
HERE = "/sections/{section}"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Ended(_Strict):
    """Hold the status that an enrollment ends with: 5 archived, 2 expired."""

    status: int = 5


class Renumbered(_Strict):
    """State whether cells follow their enrollment to its new id."""

    keep_cells: bool = False


class Admin(_Strict):
    """State whether a person is a course admin."""

    admin: bool


class SectionCode(_Strict):
    """Hold the section school code, and whether the section comes from the SIS."""

    school_code: str | None = None
    synced: bool | None = None


class CategoryTitle(_Strict):
    """Hold a category's title, in any Unicode form."""

    title: str


class Order(_Strict):
    """Hold ids in their order."""

    order: list[int]


class Reimport(_Strict):
    """Hold the items to import again (null: all), and whether their grades come along."""

    items: list[int] | None = None
    with_grades: bool = True


class Copy(_Strict):
    """Hold the copy's title (null: the same) and its section (null: this one)."""

    title: str | None = None
    to: int | None = None


class Age(_Strict):
    """Hold the seconds by which scores become older."""

    seconds: int = Field(gt=0, examples=[3600])


class SchoolUid(_Strict):
    """Hold a person's school id; an empty text is none."""

    school_uid: str = Field(examples=["1_181001"])


@router.get(HERE + "/enrollments")
async def enrollments(room: Room) -> list[dict[str, Any]]:
    """List the section's enrollments, ended ones too."""
    roster = room.section.enrollments.values()
    return [{"id": e.id, "uid": e.uid, "admin": e.admin, "status": e.status} for e in roster]


@router.post(HERE + "/students/{uid}/enroll-anew", status_code=201)
async def enroll_anew(world: TheWorld, room: Room, uid: int) -> dict[str, int]:
    """Enroll a person under a new enrollment id, beside those that exist; its cells were never touched."""
    world.schoology.users[uid]
    return {"enrollment": world.schoology.enroll_anew(room.section.id, uid).id}


@router.post(HERE + "/enrollments/{enrollment}/end", status_code=204)
async def end_enrollment(world: TheWorld, room: Room, enrollment: int, body: Ended) -> None:
    """End one enrollment."""
    world.schoology.end_enrollment(room.section.id, enrollment, body.status)


@router.post(HERE + "/enrollments/renumber")
async def renumber_enrollments(world: TheWorld, room: Room, body: Renumbered) -> dict[int, int]:
    """Give all enrollments new ids; return the new ones by the old ones."""
    return world.schoology.renumber_enrollments(room.section.id, keep_cells=body.keep_cells)


@router.put(HERE + "/admins/{uid}", status_code=204)
async def set_course_admin(world: TheWorld, room: Room, uid: int, body: Admin) -> None:
    """Make a person a course admin of the section, or take that right."""
    world.schoology.users[uid]
    world.schoology.set_course_admin(room.section.id, uid, admin=body.admin)


@router.patch(HERE + "/code", status_code=204)
async def set_code(world: TheWorld, room: Room, body: SectionCode) -> None:
    """Change the section's school code, or whether the SIS made it."""
    if body.school_code is not None:
        world.schoology.recode_section(room.section.id, body.school_code)
    if body.synced is not None:
        world.schoology.set_synced(room.section.id, synced=body.synced)


@router.post(HERE + "/link/{other}")
async def link_sections(world: TheWorld, room: Room, other: int) -> dict[int, int]:
    """Link another section to this one; return the new ids of its items by the old ones."""
    world.schoology.sections[other]
    return world.schoology.link_sections(room.section.id, other)


@router.post(HERE + "/categories", status_code=201)
async def add_category(world: TheWorld, room: Room, body: CategoryTitle) -> dict[str, int]:
    """Add a grading category."""
    return {"id": world.schoology.add_category(room.section.id, body.title).id}


@router.put(HERE + "/categories/order", status_code=204)
async def reorder_categories(world: TheWorld, room: Room, body: Order) -> None:
    """List the categories in another order."""
    world.schoology.reorder_categories(room.section.id, body.order)


@router.patch(HERE + "/categories/{category}", status_code=204)
async def rename_category(world: TheWorld, room: Room, category: int, body: CategoryTitle) -> None:
    """Rename a category."""
    world.schoology.rename_category(room.section.id, category, body.title)


@router.delete(HERE + "/categories/{category}", status_code=204)
async def delete_category(world: TheWorld, room: Room, category: int, move_to: int = 0) -> None:
    """Delete a category; its items go to another one, or become ungraded."""
    world.schoology.delete_category(room.section.id, category, move_to=move_to)


@router.post(HERE + "/categories/{category}/remake", status_code=201)
async def remake_category(world: TheWorld, room: Room, category: int) -> dict[str, int]:
    """Delete a category and make one of the same title that takes its items."""
    return {"id": world.schoology.remake_category(room.section.id, category).id}


@router.post(HERE + "/assignments/reimport")
async def reimport_assignments(world: TheWorld, room: Room, body: Reimport) -> dict[int, int]:
    """Delete items and import them again under new ids; return the new ones by the old ones."""
    return world.schoology.reimport_assignments(room.section.id, body.items, with_grades=body.with_grades)


@router.post(HERE + "/assignments/{item}/copy", status_code=201)
async def copy_assignment(world: TheWorld, room: Room, item: int, body: Copy) -> dict[str, int]:
    """Copy an item without its grades, in this section or into another one."""
    return {"id": world.schoology.copy_assignment(room.section.id, item, body.title, to=body.to).id}


@router.post(HERE + "/scores/age", status_code=204)
async def age_scores(world: TheWorld, room: Room, body: Age) -> None:
    """Let all scores have been entered earlier: what a sync reads again is what changed lately."""
    world.schoology.age_scores(room.section.id, body.seconds)


@router.put("/users/{uid}/school-uid", status_code=204)
async def set_school_uid(world: TheWorld, uid: int, body: SchoolUid) -> None:
    """Correct a person's school id."""
    world.schoology.set_school_uid(uid, body.school_uid)


@router.post("/users/{uid}/swap/{other}", status_code=204)
async def swap_school_uids(world: TheWorld, uid: int, other: int) -> None:
    """Exchange the school ids of two people."""
    world.schoology.swap_school_uids(uid, other)


@router.post("/users/{uid}/second-account", status_code=201)
async def add_second_account(world: TheWorld, uid: int) -> dict[str, int]:
    """Add an account of the same name and school id."""
    return {"uid": world.schoology.add_second_account(uid).uid}


@router.post("/users/{uid}/replace", status_code=201)
async def replace_account(world: TheWorld, uid: int, body: Renumbered) -> dict[str, int]:
    """Give a person a new account that takes over school id and enrollments."""
    return {"uid": world.schoology.replace_account(uid, keep_cells=body.keep_cells).uid}
