"""Test a SIS that shows no scores: everything names it, cell by cell, and claims nothing of what it holds."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gradesync.settings import Settings
from gradesync_sandbox.oneroster.state import open_face
from gradesync_sandbox.world import build
from harness.api import ApiHarness, open_api
from harness.servers import Urls
from harness.sis_edits import SisScore, compare

CELLS = 6


@pytest.fixture
async def api(settings: Settings, servers: Urls) -> AsyncIterator[ApiHarness]:
    """Serve the API for a district of two assignments and three students, whose SIS shows no scores."""
    world = build(7, 1, 3, 2, ideal=True)
    face = open_face(world.powerschool, "standard")
    face.demands = replace(face.demands, reads_scores=False)
    async with open_api(settings, servers, world, oneroster=face) as opened:
        access = opened.district.sis.oneroster
        assert access is not None
        changed = replace(access, settings=(*access.settings, ("reads_scores", False)))
        await opened.replace_district(
            replace(opened.district, sis=replace(opened.district.sis, oneroster=changed))
        )
        yield opened


async def test_every_cell_of_a_comparison_is_unreadable(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    found = await compare(api, office)
    assert {state: n for state, n in found["counts"].items() if n} == {"unreadable": CELLS}
    cells = (await office.get(found["links"]["cells"], limit=100)).json()["items"]
    assert {(cell["sis"], cell["reason"]["code"]) for cell in cells} == {(None, "sis-scores-unreadable")}
    assert found["edits"]["total"] == 0


async def test_totals_count_what_was_sent_and_name_it(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    SisScore(api).type_in_sis(1)
    response = await office.post(f"{api.path}/totals", {})
    assert response.status_code == 200, response.text
    found = response.json()
    assert "sis-scores" in {each["code"] for each in found["assumed"]}
    assert len(found["students"]) == len(api.room.students)
    totals = [total for each in found["students"] for total in each["totals"]]
    assert {cause["code"] for total in totals for cause in total["causes"]} == {"category-weight"}
    weighted = [total for total in totals if total["formula"] == "category-weights"]
    assert all(total["sis"] == total["schoology"] is not None for total in weighted)


async def test_statement_closes_with_what_was_sent_alone(api: ApiHarness) -> None:
    office = await api.office()
    first = await api.sync(office)
    await compare(api, office)
    period = {"from": first["requested_at"], "to": datetime.now(UTC).isoformat()}
    statement = (await office.get(f"{api.path}/statement", **period)).json()
    unread = [line for line in statement["unknown"] if line["reason"] == "sis-scores-unreadable"]
    assert sum(line["lines"] for line in unread) == CELLS
    assert statement["totals"]["drifted"]["scores"] == 0


async def test_undo_warns_that_nobody_sees_edits(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    item, uid = next(iter(api.room.section.standing())), next(iter(api.room.students))
    api.world.schoology.grade(api.room.section.id, item.id, uid, 3)
    mistake = await api.sync(office)
    started = await office.post(f"{api.path}/undo", {"sync": mistake["id"], "reason": "A mistake."})
    await api.run_queued()
    done = (await office.get(started.headers["location"])).json()
    assert (done["status"], done["warnings"]) == ("complete", {"sis-scores-unreadable": 1})
