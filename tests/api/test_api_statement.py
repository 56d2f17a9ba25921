"""Test the statement of a section by HTTP."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

from harness.api import ApiHarness, expect_problem


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
    told = (await teacher.get(path, **period)).json()
    assert told["rows"]["written"] == 1
    assert told["totals"]["opening"]["scores"] == told["totals"]["closing"]["scores"] > 0
    assert {one["reason"] for one in told["unknown"]} >= {"not-compared"}
    packed = await teacher.ask("GET", path, params=period, headers={"accept": "application/zip"})
    lines, manifest = parts(packed.content)
    (written,) = [line for line in lines if line["kind"] == "written"]
    assert (written["assignment id"], written["student id"], written["after"]) == (item, uid, "3")
    assert (written["sync"], written["before"]) == (second["id"], cell["change"]["value"])
    assert (manifest["totals"], manifest["audit"], manifest["key"]) == (told["totals"], told["audit"], None)
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
    told = (await teacher.get(f"{api.path}/statement", **period)).json()
    moved = [total for kind, total in told["totals"].items() if kind not in {"opening", "closing"}]
    assert sum(total["scores"] for total in moved) == told["totals"]["closing"]["scores"] > 0
    assert "not-known-before" in {one["reason"] for one in told["unknown"]}
    of_year = (await teacher.get(f"{api.path}/statement")).json()
    assert (of_year["from"][4:10], of_year["totals"]) == ("-07-01", told["totals"])


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
