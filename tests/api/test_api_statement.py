"""Test the statement of a section by HTTP."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr
from sqlalchemy import delete

from gradesync.access.console import console_caller
from gradesync.access.signing_key import KeyUnreadable
from gradesync.access.statement_check import verify
from gradesync.access.tokens import PAGE_LIFETIME
from gradesync.api.app import create_app
from gradesync.core.district import ConsoleAccess
from gradesync.db import comparisons
from gradesync_sandbox.faults import Fault, LoseAfter, RefuseBefore
from harness.api import ApiClient, ApiHarness, expect_problem
from harness.known_districts import forget_pauses
from harness.sis_edits import SisScore, compare, edit_and_compare


def parts(packed: bytes) -> tuple[list[dict[str, str]], dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        text = io.StringIO(file.read("statement.csv").decode(), newline="")
        return list(csv.DictReader(text)), json.loads(file.read("manifest.json"))


async def test_statement_follows_the_syncs_of_a_section(api: ApiHarness) -> None:
    teacher = await api.teacher()
    first = await api.sync(teacher)
    history = (await teacher.get(f"{api.path}/history", limit=100)).json()["items"]
    cell = next(one for one in history if one["change"]["value"] not in {None, "3"})
    item, uid = cell["assignment"]["id"], cell["student"]["id"]
    api.world.schoology.grade(api.room.section.id, int(item), int(uid), 3)
    second = await api.sync(teacher)
    path = f"{api.path}/statement"
    period = {"from": first["finished_at"], "to": datetime.now(UTC).isoformat()}
    statement = (await teacher.get(path, **period)).json()
    assert statement["rows"]["written"] == 1
    assert statement["totals"]["opening"]["scores"] == statement["totals"]["closing"]["scores"] > 0
    assert {one["reason"] for one in statement["unknown"]} >= {"not-compared"}
    packed = await teacher.ask("GET", path, params=period, headers={"accept": "application/zip"})
    lines, manifest = parts(packed.content)
    (written,) = [line for line in lines if line["kind"] == "written"]
    assert (written["assignment id"], written["student id"], written["after"]) == (item, uid, "3")
    assert (written["sync"], written["before"]) == (second["id"], cell["change"]["value"])
    assert (manifest["totals"], manifest["audit"], manifest["key"]) == (
        statement["totals"],
        statement["audit"],
        None,
    )
    again = await teacher.ask("GET", path, params=period, headers={"accept": "application/zip"})
    assert again.content == packed.content
    office = await api.office("audit:read")
    read = [one for one in (await office.get("/audit")).json()["items"] if one["action"] == "statement.read"]
    assert [one["objects"]["section"] for one in read] == [api.section] * 3


async def test_first_statement_begins_with_nothing_known(api: ApiHarness) -> None:
    teacher = await api.teacher()
    synced = await api.sync(teacher)
    assert synced["scores"]["written"] > 0
    period = {"from": synced["requested_at"], "to": datetime.now(UTC).isoformat()}
    statement = (await teacher.get(f"{api.path}/statement", **period)).json()
    moved = [total for kind, total in statement["totals"].items() if kind not in {"opening", "closing"}]
    assert sum(total["scores"] for total in moved) == statement["totals"]["closing"]["scores"] > 0
    assert "not-known-before" in {one["reason"] for one in statement["unknown"]}
    of_year = (await teacher.get(f"{api.path}/statement")).json()
    assert of_year["totals"] == statement["totals"]


@pytest.mark.parametrize("name", ["America/Los_Angeles", "Pacific/Auckland", "Pacific/Honolulu"])
async def test_school_year_begins_at_the_districts_midnight(api: ApiHarness, name: str) -> None:
    zone = ZoneInfo(name)
    await api.replace_district(replace(api.district, timezone=name))
    teacher, operator = await api.teacher(), await api.operator()
    await api.sync(teacher)

    async def begins(month: int, day: int, hour: int, minute: int) -> str:
        until = datetime(2026, month, day, hour, minute, tzinfo=zone).astimezone(UTC)
        of_section = (await teacher.get(f"{api.path}/statement", to=until.isoformat())).json()["from"]
        made = await operator.post("/statements", {"to": until.isoformat()})
        assert parts(made.content)[1]["from"][:19] == of_section[:19]
        return f"{datetime.fromisoformat(of_section).astimezone(zone):%Y-%m-%d %H:%M}"

    assert await begins(6, 30, 23, 59) == "2025-07-01 00:00"
    assert await begins(7, 1, 0, 0) == "2025-07-01 00:00"
    assert await begins(7, 1, 0, 1) == "2026-07-01 00:00"
    of_day = await operator.post("/statements", {"to": "2026-06-30"})
    assert parts(of_day.content)[1]["from"][:4] == "2025"
    first = {"to": "0001-01-01T00:00:00Z"}
    expect_problem(await teacher.get(f"{api.path}/statement", **first), 422, "request-not-valid")


async def test_statement_of_a_period_that_is_not_over_is_refused(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    ends = {"to": "2999-01-01T00:00:00Z", "from": "2026-01-01T00:00:00Z"}
    expect_problem(await teacher.get(f"{api.path}/statement", **ends), 422, "request-not-valid")
    period = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
    other = api.world.classrooms[1].section.id
    expect_problem(await teacher.get(f"/sections/{other}/statement", **period), 404, "section-not-found")
    office = await api.office("syncs:read")
    expect_problem(await office.get("/sections/1/statement", **period), 404, "section-not-found")


async def test_statements_of_a_district_are_those_of_sections(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    ended = datetime.now(UTC).isoformat()
    own = await teacher.ask(
        "GET", f"{api.path}/statement", params={"to": ended}, headers={"accept": "application/zip"}
    )
    operator = await api.operator()
    made = await operator.post("/statements", {"to": ended})
    assert made.headers["content-type"] == "application/zip"
    assert (made.headers["statement-sections"], made.headers.get("statement-key")) == ("1", None)
    assert parts(made.content)[0] == parts(own.content)[0] != []
    no_key = Ed25519PrivateKey.generate().public_key()
    assert verify(io.BytesIO(made.content), no_key).faults == ["The statement is not signed."]
    again = await operator.post("/statements", {"to": ended})
    assert again.content == made.content
    office = await api.office("audit:read")
    entries = [
        one for one in (await office.get("/audit")).json()["items"] if one["action"] == "statement.created"
    ]
    assert [one["objects"]["to"] for one in entries] == [ended] * 2
    assert {one["actor"] for one in entries} == {f"admin:{api.world.admin.uid}"}


async def test_statements_are_of_a_term_or_a_school(api: ApiHarness) -> None:
    await api.sync(await api.teacher())
    operator = await api.operator()
    found = (await operator.get(api.path)).json()
    term, school = found["sis_section"], found["school"]
    of_term = await operator.post("/statements", {"term": term["term_last"], "school": school})
    assert "not-found" not in of_term.text
    manifest = parts(of_term.content)[1]
    assert (manifest["term"], manifest["school"], manifest["sections"]) == (term["term_last"], school, 1)
    first = datetime.fromisoformat(manifest["from"]).astimezone(ZoneInfo(api.district.timezone))
    assert (first.date().isoformat(), first.hour) == (term["term_first"], 0)
    other = {"term": "2020-01-31"}
    expect_problem(await operator.post("/statements", other), 404, "section-not-found")
    expect_problem(await operator.post("/statements", {"school": "no such"}), 404, "section-not-found")
    of_section = await operator.post("/statements", {"section": api.section, "from": "2020-01-31"})
    assert parts(of_section.content)[1]["section"] == api.section
    expect_problem(await operator.post("/statements", {"section": "7"}), 404, "section-not-found")
    for period in (
        {"section": "7", "school": school},
        {"from": "2020-02-01", "to": "2020-01-31"},
        {"to": "9999-12-31"},
    ):
        expect_problem(await operator.post("/statements", period), 422, "request-not-valid")
    of_day = await operator.post("/statements", {"from": "2020-01-31", "to": "2020-01-31"})
    manifest = parts(of_day.content)[1]
    zone = ZoneInfo(api.district.timezone)
    days = [datetime.fromisoformat(manifest[name]).astimezone(zone) for name in ("from", "to")]
    assert [f"{at:%m-%d %H:%M}" for at in days] == ["01-31 00:00", "02-01 00:00"]


async def test_viewers_and_teachers_make_no_statements(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    expect_problem(await teacher.post("/statements"), 403, "district-only")
    await api.replace_district(replace(api.district, console=ConsoleAccess("viewer")))
    caller = console_caller(api.district, str(api.world.admin.uid), "viewer")
    viewer = ApiClient(api.http, api.runtime.tokens.issue(caller, PAGE_LIFETIME))
    expect_problem(await viewer.post("/statements"), 403, "viewer-only")


async def closing_of(api: ApiHarness, who: ApiClient) -> dict[tuple[str, str], str]:
    """Compare, and return what a statement shows that the SIS shows: by its assignment and student."""
    await compare(api, who)
    packed = await who.ask("GET", f"{api.path}/statement", headers={"accept": "application/zip"})
    closing = [line for line in parts(packed.content)[0] if line["kind"] == "closing"]
    return {
        (line["sis assignment id"], line["sis student id"]): line["after"]
        for line in closing
        if line["after"] != "blank"
    }


def books_of(api: ApiHarness) -> dict[tuple[str, str], str]:
    """Return the scores in the simulator's own books of the section."""
    gradebook, sis = api.world.powerschool.gradebook, api.room.sis
    return {
        (str(assignment.assignmentid), str(dcid)): score.actualscoreentered
        for assignment in gradebook.of_section(sis)
        for dcid, score in gradebook.scores[assignment.section(sis.dcid).assignmentsectionid].items()
        if score.actualscoreentered is not None
    }


async def test_closing_is_what_the_sis_shows(api: ApiHarness) -> None:
    """Edit, empty and delete scores in the SIS, delete an assignment, and lose the answer to a write."""
    teacher, gradebook = await api.teacher(), api.world.powerschool.gradebook
    await api.sync(teacher)
    first, second, *_, last = gradebook.of_section(api.room.sis)
    edited, emptied, deleted = (api.room.students[uid] for uid in list(api.room.students)[:3])
    part = first.section(api.room.sis.dcid)
    gradebook.edit_score(part, edited, Decimal(3))
    gradebook.edit_score(part, emptied, None)
    gradebook.edit_score(second.section(api.room.sis.dcid), deleted, Decimal(2))
    gradebook.delete_score(second.section(api.room.sis.dcid), deleted)
    gradebook.delete_assignment(last.assignmentid)
    renumbered = api.room.students[list(api.room.students)[4]]
    api.world.powerschool.renumber_student(renumbered, dcid=190_001)
    api.world.schoology.set_school_uid(list(api.room.students)[4], "1_190001")
    before = books_of(api)
    assert await closing_of(api, teacher) == before
    item = next(item for item in api.room.section.standing() if item.title.strip() == part.name)
    api.world.schoology.grade(api.room.section.id, item.id, list(api.room.students)[3], 4)
    reads = len(api.world.powerschool.log.of("schema.assignmentscore"))
    unread = Fault("powerschool", "schema.assignmentscore", RefuseBefore(), nth=reads + 1, times=None)
    for fault in (Fault("powerschool", "score.write", LoseAfter(), times=None), unread):
        api.sandbox.faults.add(fault)
    await api.sync(teacher)
    api.mend()
    await forget_pauses(api.runtime.redis)
    assert books_of(api) != before
    assert await closing_of(api, teacher) == books_of(api)


async def test_edit_outlives_the_comparison_that_saw_it(api: ApiHarness) -> None:
    """Open with what a comparison saw that is no longer kept, until a sync writes over it."""
    teacher, score = await edit_and_compare(api)
    before = datetime.now(UTC).isoformat()
    async with api.runtime.context.database.district(api.district.id) as db:
        await db.execute(delete(comparisons.COMPARISON))
    statement = await parts_of(api, teacher, before)
    assert [line["after"] for line in statement if is_of(line, score, "opening")] == ["3"]
    unknown = {line["reason"] for line in statement if line["kind"] == "unknown"}
    assert unknown == {"opening-not-compared", "not-compared"}
    await api.sync(teacher, mode="full")
    after = await parts_of(api, teacher, datetime.now(UTC).isoformat())
    assert [line["after"] for line in after if is_of(line, score, "opening")] == [score.before]


async def test_an_edit_is_known_when_its_comparison_has_read(api: ApiHarness) -> None:
    """End a period while a comparison reads: the edit is in the next one, now and when it is not kept."""
    teacher, score = await edit_and_compare(api)
    made = (await teacher.get(f"{api.path}/comparisons")).json()["items"][0]
    began, ended = (datetime.fromisoformat(made[name]) for name in ("started_at", "finished_at"))
    between = (began + (ended - began) / 2).isoformat()
    for _ in range(2):
        lines = await parts_of(api, teacher, between)
        assert [line["after"] for line in lines if is_of(line, score, "opening")] == [score.before]
        assert [line["after"] for line in lines if is_of(line, score, "drifted")] == ["3"]
        async with api.runtime.context.database.district(api.district.id) as db:
            await db.execute(delete(comparisons.COMPARISON))


async def test_api_does_not_start_with_a_key_that_cannot_sign(api: ApiHarness) -> None:
    settings = api.runtime.settings.model_copy(update={"report_key": SecretStr("report_key.pem")})
    with pytest.raises(KeyUnreadable, match="GRADESYNC_REPORT_KEY"):
        create_app(replace(api.runtime, settings=settings))


async def parts_of(api: ApiHarness, who: ApiClient, since: str) -> list[dict[str, str]]:
    """Return the lines of the section's statement from a moment on."""
    headers = {"accept": "application/zip"}
    packed = await who.ask("GET", f"{api.path}/statement", params={"from": since}, headers=headers)
    return parts(packed.content)[0]


def is_of(line: dict[str, str], score: SisScore, kind: str) -> bool:
    about = (line["kind"], line["assignment id"], line["student id"])
    return about == (kind, str(score.item.id), str(score.uid))
