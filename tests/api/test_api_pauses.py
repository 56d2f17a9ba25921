"""Test pauses as people meet them: the office pauses, a teacher reads why, and everything goes on."""

import asyncio
from uuid import uuid4

from harness.api import ApiHarness, expect_problem

WHY = "PowerSchool is being upgraded until 6 PM."


async def test_office_pauses_and_a_teacher_reads_why(api: ApiHarness) -> None:
    office, teacher = await api.office(), await api.teacher()
    started = (await teacher.post(f"{api.path}/syncs")).json()
    paused = await office.post("/pause", {"reason": WHY, "section": api.section})
    assert paused.status_code == 201, paused.text
    assert (paused.json()["level"], paused.json()["section"]) == ("section", api.section)
    refused = expect_problem(await teacher.post(f"{api.path}/syncs"), 423, "syncs-paused")
    assert (refused["detail"], refused["paused_since"][:10]) == (WHY, paused.json()["paused_at"][:10])
    assert (await teacher.get(api.path)).json()["paused"]["reason"] == WHY
    await api.run_queued()
    waiting = (await teacher.get(started["links"]["self"])).json()
    assert (waiting["status"], waiting["paused"]["reason"]) == ("processing", WHY)

    assert (await office.get("/pause")).json()["items"] == [paused.json()]
    lifted = await office.ask("DELETE", f"/pause/{paused.json()['id']}")
    assert lifted.status_code == 204
    await api.run_queued()
    settled = (await teacher.get(started["links"]["self"])).json()
    assert (settled["status"] != "processing", settled["paused"]) == (True, None)
    assert (await teacher.get(api.path)).json()["paused"] is None
    entries = (await office.get("/audit", limit=2)).json()["items"]
    assert [entry["action"] for entry in entries] == ["syncs.resumed", "syncs.paused"]
    assert entries[1]["objects"] == {"level": "section", "section": api.section, "reason": WHY}
    assert entries[1]["actor"].startswith("client:gs_")


async def test_no_request_slips_past_a_pause(api: ApiHarness) -> None:
    office = await api.office()
    sections = [str(7_000_000 + number) for number in range(12)]
    requests = [office.post(f"/sections/{section}/syncs") for section in sections]
    answers = await asyncio.gather(*requests[:6], office.post("/pause", {"reason": WHY}), *requests[6:])
    accepted = [answer.json() for answer in answers if answer.status_code == 202]
    assert sorted({answer.status_code for answer in answers} - {202, 423}) == [201]
    for sync in accepted:
        assert (await office.get(sync["links"]["self"])).json()["paused"]["reason"] == WHY


async def test_pause_of_two_targets_or_of_an_unknown_id(api: ApiHarness) -> None:
    office = await api.office()
    both = {"reason": WHY, "school": "940", "section": api.section}
    expect_problem(await office.post("/pause", both), 422, "request-not-valid")
    expect_problem(await office.post("/pause", {"reason": " "}), 422, "request-not-valid")
    expect_problem(await office.ask("DELETE", f"/pause/{uuid4()}"), 404, "pause-not-found")
