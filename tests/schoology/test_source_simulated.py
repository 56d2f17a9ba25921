"""Test the source with the simulated Schoology, which checks signatures, rights, paging and types."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from gradesync.core.gradebook import UNTOUCHED, Cell, Gradebook, Mark
from gradesync.schoology.check import check_connection
from gradesync_sandbox.schoology.app import SchoologyApp
from gradesync_sandbox.schoology.model import ACTIVE, Credential, Section
from gradesync_sandbox.schoology.switches import Switches
from gradesync_sandbox.serving import Served
from gradesync_sandbox.world import World, build
from harness.canned_schoology import open_source
from harness.errors import expect_stop

BASE = "http://schoology.example/v1"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()


class Clock:
    """Run Schoology's clock, set by the test."""

    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def invented() -> World:
    return build(students=30, assignments=36, sections=2, clock=lambda: NOON)


@pytest.fixture
def world(invented: World) -> Iterator[World]:
    """Share the district and reset every switch afterwards. Tests that use it change nothing else."""
    yield invented
    invented.schoology.switches = Switches()
    invented.schoology.log.clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def small(clock: Clock) -> World:
    """Build a district of the test's own, to be changed."""
    return build(students=4, assignments=3, sections=1, ideal=True, clock=clock)


def section_of(world: World) -> Section:
    return world.classrooms[0].section


async def read(world: World, since: datetime | None = None, *, section: int | None = None,
               key: Credential | None = None, base: str = BASE, **options: Any) -> Gradebook:  # fmt: skip
    transport = httpx.ASGITransport(SchoologyApp(world.schoology))
    signer = key or world.app_key
    async with open_source(transport, base, (signer.key, signer.secret), **options) as source:
        return await source.read(str(section or section_of(world).id), since)


def read_directly(world: World) -> dict[str, dict[str, Cell]]:
    """Return the cells of the first section as the simulator has them."""
    book = section_of(world)
    cells: dict[str, dict[str, Cell]] = {}
    for item in book.standing():
        for enrollment in book.students():
            if item.assignees and enrollment.id not in item.assignees:
                continue
            cell = book.cell(item.id, enrollment.id)
            points = Decimal(0) if cell.exception == 3 else cell.grade
            value: Any = Mark(cell.exception, points) if cell.exception else points
            if points is None and not (cell.exception or cell.timestamp):
                value = UNTOUCHED
            cells.setdefault(str(item.id), {})[str(enrollment.uid)] = value
    return cells


async def test_a_full_read_equals_the_section(world: World) -> None:
    book, section = await read(world), section_of(world)
    assert book.cells == read_directly(world)
    assert (book.unreadable, book.partial, book.full) == ({}, frozenset(), True)
    assert (book.section_code, book.from_sis) == (section.school_code, True)
    assert book.course_admins == {str(world.classrooms[0].teacher.uid)}
    assert {uid: s.active for uid, s in book.students.items()} == {
        str(e.uid): e.status == ACTIVE for e in section.students()
    }
    assert [(a.id, a.title) for a in book.assignments if a.unreadable is None] == [
        (str(i.id), i.title) for i in sorted(section.standing(), key=lambda item: item.is_final)
    ]
    assert {c.id: c.title for c in book.categories} == {
        str(c.id): c.title for c in section.categories.values()
    }
    assert book.periods == {str(p.id): p.last for p in section.periods}
    assert world.schoology.log.counts() == {"multiget": 1, "grading_categories": 1, "grading_periods": 1}


@pytest.mark.parametrize(
    "switches",
    [
        {"lone_child_as_object": True},
        {"omit_empty_wrappers": True},
        {"extra_keys": False},
        {"assignees_as_text": True},
        {"max_limit": 7},
        {"max_limit": 20, "links_scheme": "http"},
        {"max_limit": 20, "links_scheme": "https"},
        {"grades_paged": True},
        {"grades_paged": True, "max_limit": 50, "multiget_refused": 405},
        {"multiget_refused": 400},
        {"multiget_refused": 501},
        {"multiget_rows": {"grades": 500}},
        {"multiget_rows": {"section": 403, "enrollments": 403, "grade_items": 403, "grades": 403}},
    ],
    ids=str,
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_gradebook_is_the_same_in_every_form(
    world: World, switches: dict[str, Any], scheme: str
) -> None:
    usual = await read(world)
    world.schoology.switches = Switches(**switches)
    book = await read(world, base=f"{scheme}://schoology.example/v1")
    assert {a.id: a for a in book.assignments} == {a.id: a for a in usual.assignments}
    assert replace(book, assignments=usual.assignments) == usual


async def test_a_lone_child_is_read_as_a_list_of_one(clock: Clock) -> None:
    world = build(students=1, assignments=1, sections=1, ideal=True, clock=clock)
    usual = await read(world)
    world.schoology.switches = Switches(lone_child_as_object=True)
    assert await read(world) == usual
    assert sum(map(len, usual.cells.values())) == 1


async def test_rows_beside_the_assignees_are_cells_too(world: World) -> None:
    usual = await read(world)
    world.schoology.switches = Switches(unassigned_rows=True, dropped_keep_grades=False)
    book = await read(world)
    assert (book.partial, book.unreadable) == (frozenset(), {})
    active = {uid for uid, student in book.students.items() if student.active}
    assert all(row.keys() == active for row in book.cells.values())
    assert replace(book, cells=usual.cells) == usual


async def test_a_changes_read_has_every_kind_of_changed_cell(small: World, clock: Clock) -> None:
    schoology, section = small.schoology, section_of(small)
    first = await read(small)
    assert set(first.read_through.values()) == {latest_touch(small)}
    graded, cleared, excused, commented = [e.uid for e in section.students()]
    quiz, essay, _ = section.items
    for enrollment in section.students():
        schoology.comment(section.id, next(reversed(section.items)), enrollment.uid, "later than all others")
    first = await read(small)
    clock.now += 601
    schoology.grade(section.id, quiz, graded, "9.5")
    schoology.clear(section.id, quiz, cleared)
    schoology.set_exception(section.id, essay, excused, 1)
    schoology.comment(section.id, essay, commented, "see me")
    book = await read(small, min(first.read_through.values()) + timedelta(seconds=601))
    assert not book.full
    assert book.cells == {
        str(quiz): {str(graded): Decimal("9.5"), str(cleared): None},
        str(essay): {str(excused): Mark(1), str(commented): first.cells[str(essay)][str(commented)]},
    }
    again = await read(small, min(book.read_through.values()))
    assert again.cells == book.cells  # ten minutes overlap
    clock.now += 601
    schoology.grade(section.id, quiz, graded, "9.5")
    later = await read(small, min(again.read_through.values()))
    assert (await read(small, min(later.read_through.values()))).cells == {
        str(quiz): {str(graded): Decimal("9.5")}
    }


def latest_touch(world: World) -> datetime:
    return datetime.fromtimestamp(max(cell.timestamp for cell in section_of(world).cells.values()), UTC)


@pytest.mark.parametrize("offset", [-5000, 5000])
async def test_R48_the_cursor_is_in_the_cells_own_time(small: World, offset: int) -> None:
    small.schoology.switches.cell_clock_offset = offset
    book = await read(small)
    assert set(book.read_through.values()) == {latest_touch(small)}
    section = section_of(small)
    small.schoology.grade(section.id, next(iter(section.items)), section.students()[0].uid, 1)
    assert len((await read(small, min(book.read_through.values()))).cells) == 1


async def test_a_restored_assignment_reads_as_before(small: World) -> None:
    before = await read(small)
    section = section_of(small)
    gone = next(iter(section.items))
    small.schoology.delete_assignment(section.id, gone)
    without = await read(small)
    assert [a.id for a in without.assignments] == [a.id for a in before.assignments if a.id != str(gone)]
    small.schoology.restore_assignment(section.id, gone)
    assert (await read(small)).cells == before.cells


async def test_a_manual_section_is_not_from_the_sis(world: World) -> None:
    assert world.manual is not None
    book = await read(world, section=world.manual.id)
    assert (book.section_code, book.from_sis) == (None, False)


async def test_keys_without_rights_are_refused(world: World) -> None:
    assert world.student_key is not None
    for key in (world.student_key, world.refused_key):
        with expect_stop("schoology-key-not-allowed"):
            await read(world, key=key)
    for key in (replace(world.app_key, secret="?"), replace(world.app_key, key="?")):
        with expect_stop("schoology-credentials-refused"):
            await read(world, key=key)
    with expect_stop("section-not-found"):
        await read(world, section=7_999_999_999)


async def test_a_teachers_key_reads_their_own_section(world: World) -> None:
    assert world.teacher_key is not None
    assert await read(world, key=world.teacher_key) == await read(world)


async def test_a_district_may_read_in_the_teachers_name(world: World) -> None:
    teacher = str(world.classrooms[0].teacher.uid)
    assert await read(world, run_as=teacher) == await read(world)
    pupil = str(section_of(world).students()[0].uid)
    with expect_stop("schoology-key-not-allowed"):
        await read(world, run_as=pupil)
    world.schoology.switches.impersonation = False
    with expect_stop("schoology-key-not-allowed"):
        await read(world, run_as=teacher)


@pytest.mark.parametrize("key", ["app_key", "teacher_key"])
async def test_the_connection_test_finds_nothing_wrong(world: World, key: str) -> None:
    signer = getattr(world, key)
    transport = httpx.ASGITransport(SchoologyApp(world.schoology))
    noon = datetime.fromtimestamp(NOON, UTC)
    async with open_source(transport, BASE, (signer.key, signer.secret), clock=lambda: noon) as source:
        assert all(finding.ok for finding in await check_connection(source))


async def test_a_section_is_read_over_a_real_socket(world: World) -> None:
    usual = await read(world)
    served = Served(SchoologyApp(world.schoology), "127.0.0.1", 0, dated=False)
    await served.start()
    try:
        key = (world.app_key.key, world.app_key.secret)
        async with open_source(httpx.AsyncHTTPTransport(), f"{served.url}/v1", key) as source:
            book = await source.read(str(section_of(world).id), None)
            cells = await source.cells(book, None)
    finally:
        await served.stop()
    assert book == usual
    assert cells.cells == usual.cells
