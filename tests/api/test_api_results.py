"""Test the result of a sync, in the sync itself and as a filter of the log."""

import csv
import io
import re
from typing import Any

import pytest

from gradesync.core.reasons import Reason, Result
from gradesync_sandbox.faults import Fault, Status
from harness.api import ApiClient, ApiHarness


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
    assert (first["requested by"], first["sync code"]) == (teacher_name, sync["result"])
    assert first["sync status"] == sync["status"].capitalize()
    assert first["requested at"].endswith(("CST", "CDT", "PST", "PDT", "MST", "MDT", "EST", "EDT"))
    section = "-".join(re.findall("[a-z0-9]+", api.room.section.name.lower()))
    by = "-".join(re.findall("[a-z0-9]+", teacher_name.lower()))
    when = first["requested at"].rpartition(" ")[0].replace(":", "").replace(" ", "-")
    file_name = f"{name}{section}-{by}-{when}.csv"
    assert f'filename="{file_name}"' in sheet.headers["content-disposition"]


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
    await _assert_reviewed_by_others(stopped, await api.office("syncs:read"))
    approved = await api.sync(office, approve=stopped["fingerprint"])
    assert (approved["approve"], approved["scores"]["cleared"]) == (preview["fingerprint"], guard["cleared"])


async def _assert_reviewed_by_others(stopped: dict[str, Any], reader: ApiClient) -> None:
    """Check that whoever may not start syncs isn't asked to review one."""
    assert stopped["approval"]["by_caller"] is True
    assert stopped["error"]["fix"].startswith("Review what would change.")
    path = stopped["links"]["self"]
    read = (await reader.get(path)).json()
    listed = (await reader.get(path.rpartition("/")[0])).json()["items"][0]
    for sync in (read, listed):
        assert sync["approval"]["by_caller"] is False
        assert sync["error"]["explanation"] == f"Stopped for review. {stopped['guard']['explanation']}"
        assert sync["error"]["fix"].startswith("Ask a teacher of the section to review")


async def test_every_field_of_a_spreadsheet_is_quoted(api: ApiHarness) -> None:
    office = await api.office()
    sync = await api.sync(office)
    sheet = await office.ask("GET", sync["links"]["outcomes"], headers={"accept": "text/csv"})
    lines = sheet.text.removeprefix("\ufeff").split("\r\n")
    assert len(lines) > 2
    assert all(re.fullmatch(r'"[^"]*"(,"[^"]*")+', line) for line in lines[:-1])


async def read_sheet(who: ApiClient, sync: dict[str, Any]) -> list[dict[str, str]]:
    sheet = await who.ask("GET", sync["links"]["outcomes"], headers={"accept": "text/csv"})
    return list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"), newline="")))


CODES = {
    *Result,
    *Reason,
    "all-sent",
    "needs-attention",
    "stopped-for-review",
    "assignment",
    "score",
    "excused",
}


# What people typed.
TYPED = {"section", "requested by", "assignment", "student"}
DONE = {"created": "Created", "title-too-long": "Not sent", "failed": "Failed", "attention": "need"}
PREVIEWED = {
    "created": "Would be created",
    "title-too-long": "Would not be sent",
    "failed": "Would not be sent",
    "attention": "would need",
}


@pytest.mark.parametrize("words", [DONE, PREVIEWED])
async def test_spreadsheet_has_words_and_codes_apart(api: ApiHarness, words: dict[str, str]) -> None:
    api.drop_student()
    teacher = await api.teacher()
    sync = await api.sync(teacher, dry_run=words is PREVIEWED)
    rows = await read_sheet(teacher, sync)
    codes = {name for name in rows[0] if name.endswith(("code", "codes"))} | TYPED
    assert [row for row in rows if {text for name, text in row.items() if name not in codes} & CODES] == []
    by_code = {row["reason code"] or row["result code"]: row for row in rows if row["kind"] == "Assignment"}
    assert by_code["created"]["result"] == words["created"]
    long = by_code["title-too-long"]
    assert (long["result"], long["needs attention"]) == (words["title-too-long"], "Yes")
    assert {row["result"] for row in rows if row["result code"] == "failed"} == {words["failed"]}
    number = sum(sync["attention"].values())
    assert {row["sync result"] for row in rows} == {f"{number} {words['attention']} attention"}


async def test_spreadsheet_of_a_stopped_sync_explains_why(api: ApiHarness) -> None:
    api.sandbox.faults.add(Fault("schoology", "*", Status(403), times=None))
    office = await api.office()
    sync = await api.sync(office)
    (row,) = await read_sheet(office, sync)
    assert (row["kind"], row["count"], row["result"]) == ("Sync", "", "Nothing was sent")
    assert row["what happened"] == sync["error"]["explanation"]
    assert (row["what to do"], row["reason code"]) == (sync["error"]["fix"], sync["error"]["code"])
