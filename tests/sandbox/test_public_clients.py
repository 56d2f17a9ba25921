"""Test that public clients of the real systems read the simulated ones from end to end."""

import asyncio
import csv
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.world import build

schoolopy: Any = import_module("schoolopy")  # has no types
PowerSchoolClient: Any = import_module("powerschool").PowerSchool  # named like tests/powerschool
EDFI = "edfi-schoology-extractor==1.2.2"  # needs pandas and SQLAlchemy of the 1.x line: hence its own venv


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Serve two classes in which every assignment has a due date: the extractor takes no other."""
    async with Sandbox(build(sections=2, students=6, assignments=3, ideal=True)) as served:
        yield served


async def test_schoolopy_reads_a_district(sandbox: Sandbox) -> None:
    state, room = sandbox.world.schoology, sandbox.world.classrooms[0]

    def read() -> dict[str, Any]:
        key = sandbox.world.app_key
        client = schoolopy.Schoology(schoolopy.Auth(key.key, key.secret), sandbox.schoology_url + "/")
        client.limit = 200
        section = room.section.id
        return {
            "schools": [school["title"] for school in client.get_schools()],
            "roles": [role["title"] for role in client.get_roles()],
            "periods": [period["id"] for period in client.get_grading_periods()],
            "users": [int(user["uid"]) for user in client.get_users()],
            "courses": [int(course["id"]) for course in client.get_courses()],
            "sections": [int(s["id"]) for s in client.get_course_sections(room.section.course.id)],
            "enrollments": [int(e["id"]) for e in client.get_section_enrollments(section)],
            "assignments": [item["id"] for item in client.get_assignments(section)],
            "categories": [category["id"] for category in client.get_grading_categories(section)],
            "self": client.get_self_user_info()["api_uid"],
        }

    shown = await asyncio.to_thread(read)
    assert shown == {
        "schools": ["Riverside Unified (invented)"],
        "roles": ["Teacher", "Student", "System Admin"],
        "periods": list(state.periods),
        "users": list(state.users),
        "courses": list(state.courses),
        "sections": [room.section.id],
        "enrollments": list(room.section.enrollments),
        "assignments": [item.id for item in room.section.standing()],
        "categories": list(room.section.categories),
        "self": sandbox.world.admin.uid,
    }


async def test_powerschool_client_reads_tables(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the sandbox has no TLS
    sis, room = sandbox.world.powerschool, sandbox.world.classrooms[0]
    sis.switches.page_cap = 4

    def read() -> dict[str, Any]:
        client = PowerSchoolClient("sandbox.example")
        client.base_url = sandbox.sis_url
        client.authorize((sis.plugin.client_id, sis.plugin.client_secret))
        cc = client.get_schema_table("cc")
        query = {"q": f"sectionid=={room.sis.id}", "projection": "studentid,sectionid"}
        return {
            "cap": client.metadata.schema_table_query_max_page_size,
            "count": cc.count(**query),
            "cc": [int(row["studentid"]) for row in cc.query(**query)],
            "terms": client.get_schema_table("terms").query(),
            "section": client.get_schema_table("sections").query(pk=room.sis.dcid, projection="dcid,termid"),
        }

    shown = await asyncio.to_thread(read)
    enrolled = list(sis.cc[room.sis.id])
    assert (shown["cap"], shown["count"], shown["cc"]) == (4, len(enrolled), enrolled)
    assert [int(term["dcid"]) for term in shown["terms"]] == list(sis.terms)
    assert shown["section"] == [{"dcid": str(room.sis.dcid), "termid": str(room.term.id)}]


@pytest.fixture(scope="session")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Python that has the extractor: of EDFI_PYTHON, or of an environment made for this test."""
    if given := os.environ.get("EDFI_PYTHON"):
        return Path(given)
    home = tmp_path_factory.mktemp("edfi")
    install = ("-m", "pip", "install", "-q", "--disable-pip-version-check", EDFI)
    try:
        for command in ([sys.executable, "-m", "venv", str(home)], [str(home / "bin/python"), *install]):
            subprocess.run(command, check=True, capture_output=True, timeout=500)  # noqa: S603 - our own
    except (subprocess.SubprocessError, OSError) as problem:
        pytest.skip(f"{EDFI} cannot be installed here: {problem}")
    return home / "bin/python"


def records(out: Path, folder: str) -> list[dict[str, str]]:
    """Return the rows of all files that the extractor wrote into folders of that name."""
    files = sorted(out.rglob(f"{folder}/*.csv"))
    return list(chain.from_iterable(csv.DictReader(file.read_text().splitlines()) for file in files))


@pytest.mark.long
@pytest.mark.timeout(700)
async def test_edfi_extractor_reads_a_district(sandbox: Sandbox, extractor: Path, tmp_path: Path) -> None:
    key, state = sandbox.world.app_key, sandbox.world.schoology
    options = ("-k", key.key, "-s", key.secret, "-o", tmp_path, "-d", tmp_path, "-p", "5")
    features = ("-f", "activities", "assignments", "attendance", "grades")
    env = {**os.environ, "SCHOOLOGY_BASE_URL": f"{sandbox.schoology_url}/"}
    command = [extractor, "-m", "edfi_schoology_extractor", *options, *features]
    run = await asyncio.create_subprocess_exec(
        *map(str, command), env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    printed, _ = await run.communicate()
    assert run.returncode == 0, printed.decode()[-2000:]
    ids = "SourceSystemIdentifier"
    assert {int(r[ids]) for r in records(tmp_path, "users")} == set(state.users)
    assert {int(r[ids]) for r in records(tmp_path, "sections")} == set(state.sections)
    students = {e.id for book in state.sections.values() for e in book.students()}
    assert {int(r[ids]) for r in records(tmp_path, "section-associations")} == students
    items = {i.id for book in state.sections.values() for i in book.standing()}
    assert {int(r[ids]) for r in records(tmp_path, "assignments")} == items
    cells = [key for book in state.sections.values() for key in book.cells]
    assert len(records(tmp_path, "submissions")) == len(cells)
    assert not [call for call in state.log.calls if call.status != 200]
