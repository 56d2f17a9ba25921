"""Let teachers and administrators act in Schoology."""

from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime

from gradesync_sandbox.control.targets import NOT_FOUND, Room, TheWorld
from gradesync_sandbox.schoology.model import Item, Section

router = APIRouter(prefix="/sections/{section}", tags=["Schoology"], responses=NOT_FOUND)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Grade(_Strict):
    """Hold points for a cell."""

    points: Decimal = Field(examples=["9.5"])
    comment: str | None = None


class MarkOfCell(_Strict):
    """Hold a mark for a cell: 1 excused, 2 incomplete, 3 missing; others are unknown to everybody."""

    exception: int = Field(examples=[3])
    points: Decimal | None = None


class ItemChange(_Strict):
    """Hold fields of an assignment. Only those that are given change."""

    title: str | None = None
    max_points: Decimal | None = None
    due: NaiveDatetime | None = None
    category: int | None = Field(None, description="A category's id; 0 is none")
    period: int | None = None
    factor: Decimal | None = None
    published: bool | None = None
    count_in_grade: bool | None = None
    collected_only: bool | None = None
    is_final: bool | None = None
    assignees: list[int] | None = Field(None, description="Enrollment ids; empty is everybody")

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent; a null empties the due date."""
        return self.model_dump(exclude_unset=True)


class NewItem(ItemChange):
    """Hold a new assignment."""

    title: str


@router.get("/gradebook")
async def gradebook(room: Room) -> list[dict[str, Any]]:
    """Show Schoology's gradebook of the section: every assignment that was not deleted, with its cells by
    uid.
    """
    return [_shown(room.section, item) for item in room.section.standing()]


@router.get("/categories")
async def categories(room: Room) -> dict[int, str]:
    """Return the section's grading categories: id and title."""
    return {category.id: category.title for category in room.section.categories.values()}


@router.put("/assignments/{item}/scores/{uid}", status_code=204)
async def grade(world: TheWorld, room: Room, item: int, uid: int, body: Grade) -> None:
    """Enter points for a student."""
    world.schoology.grade(room.section.id, item, uid, body.points, body.comment)


@router.put("/assignments/{item}/scores/{uid}/exception", status_code=204)
async def set_exception(world: TheWorld, room: Room, item: int, uid: int, body: MarkOfCell) -> None:
    """Mark a student's cell as excused, incomplete or missing."""
    world.schoology.set_exception(room.section.id, item, uid, body.exception, body.points)


@router.delete("/assignments/{item}/scores/{uid}", status_code=204)
async def clear(world: TheWorld, room: Room, item: int, uid: int) -> None:
    """Blank a student's cell."""
    world.schoology.clear(room.section.id, item, uid)


@router.post("/assignments", status_code=201)
async def add_assignment(world: TheWorld, room: Room, body: NewItem) -> dict[str, Any]:
    """Add an assignment."""
    return _shown(room.section, world.schoology.add_assignment(room.section.id, **body.given()))


@router.patch("/assignments/{item}")
async def edit_assignment(world: TheWorld, room: Room, item: int, body: ItemChange) -> dict[str, Any]:
    """Change an assignment."""
    return _shown(room.section, world.schoology.edit_assignment(room.section.id, item, **body.given()))


@router.delete("/assignments/{item}", status_code=204)
async def delete_assignment(world: TheWorld, room: Room, item: int) -> None:
    """Delete an assignment in Schoology."""
    world.schoology.delete_assignment(room.section.id, item)


@router.post("/assignments/{item}/restore", status_code=204)
async def restore_assignment(world: TheWorld, room: Room, item: int) -> None:
    """Bring a deleted assignment back."""
    world.schoology.restore_assignment(room.section.id, item)


@router.post("/students/{uid}/enroll", status_code=204)
async def enroll(world: TheWorld, room: Room, uid: int) -> None:
    """Put a user into the section in Schoology, again if they left it."""
    world.schoology.users[uid]
    world.schoology.enroll(room.section.id, uid)


@router.post("/students/{uid}/drop", status_code=204)
async def drop(world: TheWorld, room: Room, uid: int) -> None:
    """End a student's enrollment in Schoology; the grades stay."""
    world.schoology.drop_student(room.section.id, uid)


def _shown(section: Section, item: Item) -> dict[str, Any]:
    uids = {enrollment.id: enrollment.uid for enrollment in section.enrollments.values()}
    mine = {uids[enrollment]: cell for (of, enrollment), cell in section.cells.items() if of == item.id}
    return {
        "id": item.id,
        "title": item.title,
        "max_points": item.max_points,
        "due": item.due,
        "category": item.category,
        "cells": {uid: {"grade": cell.grade, "exception": int(cell.exception)} for uid, cell in mine.items()},
    }
