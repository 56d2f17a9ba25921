"""Test the result of a sync, in the sync itself and as a filter of the log."""

import csv
import io
import re

import pytest

from harness.api import ApiHarness


async def test_sync_has_no_result_while_it_is_processing(api: ApiHarness) -> None:
    teacher = await api.teacher()
    sync = (await teacher.post(f"{api.path}/syncs")).json()
    assert (sync["status"], sync["result"], sync["attention"]) == ("processing", None, None)


async def test_complete_sync_shows_what_needs_attention(api: ApiHarness) -> None:
    office = await api.office()
    item = next(iter(api.room.section.items.values()))
    api.world.schoology.edit_assignment(api.room.section.id, item.id, title="x" * 63)
    sync = await api.sync(office)
    assert (sync["status"], sync["result"]) == ("complete", "needs-attention")
    assert sync["attention"]["assignments"] > 0
    listed = (await office.get(sync["links"]["outcomes"], reason="title-too-long")).json()["items"]
    explained = {row["assignment"]["id"]: row["reason"]["explanation"] for row in listed}
    assert explained[str(item.id)] == "The name has 63 characters, and PowerSchool accepts 50."
    for result, syncs in (("needs-attention", [sync["id"]]), ("all-sent", [])):
        page = (await office.get("/syncs", result=result)).json()["items"]
        assert [found["id"] for found in page] == syncs


@pytest.mark.parametrize(("preview", "name"), [(False, "sync-"), (True, "preview-")])
async def test_spreadsheet_names_its_sync(api: ApiHarness, preview: bool, name: str) -> None:
    teacher = await api.teacher()
    sync = await api.sync(teacher, dry_run=preview)
    sheet = await teacher.ask("GET", sync["links"]["outcomes"], headers={"accept": "text/csv"})
    first = next(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    teacher_name = api.world.schoology.users[api.room.teacher.uid].display
    assert first["section"] == api.room.section.name
    assert (first["requested by"], first["sync result"]) == (teacher_name, sync["result"])
    assert first["sync status"] == sync["status"].capitalize()
    assert first["requested at"].endswith(("CST", "CDT", "PST", "PDT", "MST", "MDT", "EST", "EDT"))
    section = "-".join(re.findall("[a-z0-9]+", api.room.section.name.lower()))
    assert f'filename="{name}{section}-' in sheet.headers["content-disposition"]


async def test_stopped_sync_names_its_danger_and_its_approval(api: ApiHarness) -> None:
    await api.change_policy(guard_scores=1)
    office = await api.office()
    await api.sync(office)
    for item in api.room.section.items.values():
        for uid in api.room.students:
            api.world.schoology.clear(api.room.section.id, item.id, uid)
    preview, stopped = await api.sync(office, dry_run=True), await api.sync(office)
    assert preview["result"] == stopped["result"] == "stopped-for-review"
    guard = stopped["guard"]
    assert guard["danger"] == "scores"
    assert guard["explanation"].endswith(f"{guard['cleared']} would be cleared.")
    assert stopped["error"]["explanation"] == f"Stopped for your review. {guard['explanation']}"
    approved = await api.sync(office, approve=stopped["fingerprint"])
    assert (approved["approve"], approved["scores"]["cleared"]) == (preview["fingerprint"], guard["cleared"])


async def test_every_field_of_a_spreadsheet_is_quoted(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    sheet = await office.ask("GET", sync["links"]["outcomes"], headers={"accept": "text/csv"})
    lines = sheet.text.removeprefix("\ufeff").split("\r\n")
    assert len(lines) > 2
    assert all(re.fullmatch(r'"[^"]*"(,"[^"]*")+', line) for line in lines[:-1])
