"""Test the result of a sync, in the sync itself and as a filter of the log."""

import csv
import io

import pytest

from harness.api import ApiHarness


async def test_sync_has_no_result_while_it_is_processing(api: ApiHarness) -> None:
    teacher = await api.teacher()
    sync = (await teacher.post(f"{api.path}/syncs")).json()
    assert (sync["status"], sync["result"], sync["attention"]) == ("processing", None, None)


async def test_complete_sync_says_what_needs_attention(api: ApiHarness) -> None:
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
async def test_spreadsheet_says_section_requester_and_time(api: ApiHarness, preview: bool, name: str) -> None:
    teacher = await api.teacher()
    sync = await api.sync(teacher, dry_run=preview)
    sheet = await teacher.ask("GET", sync["links"]["outcomes"], headers={"accept": "text/csv"})
    first = next(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    teacher_name = api.world.schoology.users[api.room.teacher.uid].display
    assert first["section"]
    assert first["requested by"] == teacher_name
    assert first["requested at"].endswith(("CST", "CDT", "PST", "PDT", "MST", "MDT", "EST", "EDT"))
    assert f'filename="{name}' in sheet.headers["content-disposition"]
