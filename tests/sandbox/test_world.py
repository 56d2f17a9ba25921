"""Test the invented district: the same for the same seed, alike on both sides, with real troubles."""

import asyncio
import json
import sys
import tomllib
from asyncio.subprocess import PIPE
from collections import Counter
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from gradesync_sandbox.district_file import district, district_toml
from gradesync_sandbox.invented import CATEGORIES, SIS_CATEGORIES, UNMAPPED
from gradesync_sandbox.schoology.model import ARCHIVED, EXPIRED, Item
from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.world import Classroom, World, build
from harness.signing import Signed


@pytest.fixture(scope="module")
def world() -> World:
    return build()


def at_noon() -> float:
    return 1_795_000_000.0


def test_seed_makes_the_same_district_again() -> None:
    first, again, other = (build(seed, clock=at_noon) for seed in (3, 3, 4))
    assert first.schoology.sections == again.schoology.sections
    assert first.schoology.users == again.schoology.users
    assert first.schoology.credentials == again.schoology.credentials
    assert first.schoology.sections != other.schoology.sections


def test_ids_of_different_kinds_never_meet(world: World) -> None:
    kinds = [set(world.schoology.users), set(world.schoology.sections), set(world.schoology.courses)]
    for name in ("items", "enrollments", "categories"):
        kinds.append({key for book in world.schoology.sections.values() for key in getattr(book, name)})
    kinds.append({i.grade_item_id for b in world.schoology.sections.values() for i in b.items.values()})
    everything = Counter(key for kind in kinds[:-1] for key in kind)
    assert max(everything.values()) == 1
    assert len(kinds[-1] - kinds[3]) == 1  # the one discussion


def test_sections_and_people_are_joined_by_sis_ids(world: World) -> None:
    for room in world.classrooms:
        assert room.section.school_code == str(room.sis.dcid) != str(room.sis.id)
        assert room.teacher.school_uid == f"2_{room.sis_teacher.dcid}"
        assert world.powerschool.teaches(room.sis_teacher.dcid, room.sis)
        for uid, student in room.students.items():
            assert world.schoology.users[uid].school_uid == f"1_{student.dcid}"


def test_first_class_has_each_odd_student(world: World, room: Classroom) -> None:
    roster = world.powerschool.roster(room.sis)
    status = {uid: room.section.enrollment_of(uid).status for uid in room.odd.values()}
    odd = room.odd
    assert (status[odd["archived"]], status[odd["expired"]]) == (ARCHIVED, EXPIRED)
    assert room.students[odd["archived"]].dcid not in roster
    assert room.students[odd["expired"]].dcid in roster
    assert status[odd["dropped_in_sis"]] == 1
    assert room.students[odd["dropped_in_sis"]].dcid not in roster
    assert world.schoology.users[odd["by_hand"]].school_uid == ""
    assert world.schoology.users[odd["odd_id"]].school_uid == "guest-17"
    graded = {enrollment for _, enrollment in room.section.cells}
    assert {room.section.enrollment_of(uid).id for uid in odd.values()} <= graded


def last_day(room: Classroom) -> datetime:
    return datetime.combine(room.term.lastday, datetime.max.time())


def test_first_class_has_each_odd_assignment(room: Classroom) -> None:
    unmapped = [c.id for c in room.section.categories.values() if c.title == UNMAPPED]

    def having(what: str, items: list[Item]) -> None:
        assert len(items) == 1, what

    items = room.section.standing()
    assert len(items) == 36
    having("a long title", [i for i in items if len(i.title) > 50])
    having("no category", [i for i in items if i.category == 0])
    having("an unmapped category", [i for i in items if i.category in unmapped])
    having("no due date", [i for i in items if i.due is None and i.period])
    having("no due date and no period", [i for i in items if i.due is None and not i.period])
    having("due after the term", [i for i in items if i.due and i.due > last_day(room)])
    having("unpublished", [i for i in items if not i.published])
    having("collected only", [i for i in items if i.collected_only])
    having("not counted", [i for i in items if not i.count_in_grade])
    having("a midterm", [i for i in items if i.is_final])
    having("a discussion", [i for i in items if i.type == "discussion"])
    having("an assessment", [i for i in items if i.type == "assessment"])
    having("some students only", [i for i in items if i.assignees])
    having("a factor", [i for i in items if i.factor != 1])
    having("no points", [i for i in items if i.max_points == 0])
    having("a title beyond ASCII", [i for i in items if not i.title.isascii()])


def test_cells_are_mostly_points_with_some_of_everything(room: Classroom) -> None:
    cells = room.section.cells
    marks = Counter(cell.exception for cell in cells.values())
    assert marks[0] > 0.85 * len(cells)
    assert set(marks) >= {0, 1, 2, 3, 4}
    points = [(room.section.items[item], c.grade) for (item, _), c in cells.items() if c.grade is not None]
    assert any(grade > item.max_points for item, grade in points)
    assert any(grade != int(grade) for _, grade in points)
    assert all(cell.timestamp > 0 for cell in cells.values())
    ungraded = {item.id for item in room.section.standing()} - {item for item, _ in cells}
    assert ungraded


def test_categories_match_but_for_case_and_spaces(world: World, room: Classroom) -> None:
    titles = [c.title for c in room.section.categories.values()]
    sis = [c for c in world.powerschool.categories.values() if c.usersdcid == room.sis_teacher.dcid]
    active = [c.name for c in sis if c.isactive]
    assert titles == [*CATEGORIES, UNMAPPED]
    assert active == list(SIS_CATEGORIES)
    folded = [[t.strip().casefold() for t in side] for side in (CATEGORIES, SIS_CATEGORIES)]
    assert folded[0] == folded[1]
    assert list(CATEGORIES) != list(SIS_CATEGORIES)
    assert [c.name for c in sis if not c.isactive] == [UNMAPPED]


def test_ideal_district_has_points_in_every_cell() -> None:
    ideal = build(sections=2, students=5, assignments=4, ideal=True)
    assert ideal.manual is None
    for room in ideal.classrooms:
        assert len(room.students) == 5
        assert len(room.section.cells) == 20
        assert {c.exception for c in room.section.cells.values()} == {0}
        assert all(i.category and i.due and i.due < last_day(room) for i in room.section.standing())


def test_small_and_empty_districts_can_be_built() -> None:
    for size in (0, 1, 2):
        tiny = build(sections=size, students=size, assignments=size)
        assert len(tiny.classrooms) == size


def test_returning_student_has_the_old_enrollment(world: World) -> None:
    room = world.classrooms[1]
    uid = room.section.students()[0].uid
    before = room.section.enrollment_of(uid).id
    world.schoology.drop_student(room.section.id, uid)
    assert room.section.enrollment_of(uid).status == ARCHIVED
    assert world.schoology.enroll(room.section.id, uid).id == before
    assert room.section.enrollment_of(uid).status == 1


def test_only_grading_moves_the_cells_clock() -> None:
    now = [1_800_000_000.0]
    world = build(sections=1, students=1, assignments=1, ideal=True, clock=lambda: now[0])
    book = world.classrooms[0].section
    item, student = book.standing()[0], book.students()[0]
    now[0] += 60
    world.schoology.edit_assignment(book.id, item.id, title="Renamed", max_points="12.5")
    assert (item.last_updated, item.title) == (1_800_000_060, "Renamed")
    assert book.cell(item.id, student.id).timestamp < 1_800_000_000
    world.schoology.comment(book.id, item.id, student.uid, "Well done")
    cell = book.cell(item.id, student.id)
    assert (cell.timestamp, cell.grade is None) == (1_800_000_060, False)


async def test_sandbox_serves_the_district_on_sockets(world: World) -> None:
    async with Sandbox(world) as sandbox, httpx.AsyncClient() as calls:
        sid = world.classrooms[0].section.id
        section = await calls.get(
            f"{sandbox.schoology_url}/sections/{sid}",
            auth=Signed(world.app_key, "HMAC-SHA1"),
            headers={"accept": "application/json"},
        )
        keys = await calls.get(district(sandbox)["lti"]["jwks_url"])
        token = await calls.post(
            f"{sandbox.sis_url}/oauth/access_token",
            data={"grant_type": "client_credentials"},
            auth=(world.powerschool.plugin.client_id, world.powerschool.plugin.client_secret),
        )
    assert section.json()["id"] == str(sid)
    assert len(section.headers.get_list("date")) == 1
    assert keys.json() == world.lti.jwks()
    assert token.status_code == 200


async def test_district_file_reaches_the_district(world: World, tmp_path: Path) -> None:
    async with Sandbox(world) as sandbox:
        path = tmp_path / "district.toml"
        path.write_text(district_toml(sandbox))
        assert tomllib.loads(path.read_text()) == district(sandbox)
    assert district(sandbox)["schoology"]["consumer_secret"] == world.app_key.secret


async def test_command_serves_until_a_signal(tmp_path: Path) -> None:
    path = tmp_path / "district.toml"
    size = ["--sections", "1", "--students", "2", "--assignments", "2", "--schoology-limit", "40"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gradesync_sandbox", *size, "--json", "--district-file", str(path), stdout=PIPE
    )
    try:
        assert process.stdout is not None
        printed = json.loads(await process.stdout.readline())
        async with httpx.AsyncClient() as calls:
            sections = (await calls.get(f"{printed['control_url']}/sections")).json()
    finally:
        process.terminate()
    assert await process.wait() == 0
    assert [str(section["section"]) for section in sections] == [printed["sections"][0]["id"]]
    assert tomllib.loads(path.read_text()) == printed["district"]
    assert printed["district"]["schoology"]["requests_per_window"] == 40
