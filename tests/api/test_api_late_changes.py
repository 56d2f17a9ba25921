"""Test changes after a term's end: they wait until a second person approves them, with a reason."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gradesync.sync.claim import claim_from
from gradesync.sync.run import run_sync
from harness.api import ApiClient, ApiHarness, expect_problem

AFTER = datetime(2027, 6, 20, 12, tzinfo=UTC)  # the sandbox's school year ends on June 11


async def sync_late(api: ApiHarness, who: ApiClient, **wanted: Any) -> dict[str, Any]:
    """Run a sync after the end of the term, and return it settled."""
    answer = await who.post(f"{api.path}/syncs", wanted)
    assert answer.status_code == 202, answer.text
    context = replace(api.runtime.context, clock=lambda: AFTER)
    while claimed := await claim_from(context, api.district.id):
        await run_sync(context, claimed)
    settled: dict[str, Any] = (await who.get(answer.headers["location"])).json()
    return settled


def grade(api: ApiHarness, points: int) -> tuple[str, str]:
    """Grade a score of the section; return the ids of its assignment and student."""
    item, uid = next(iter(api.room.section.standing())), next(iter(api.room.students))
    api.world.schoology.grade(api.room.section.id, item.id, uid, points)
    return str(item.id), str(uid)


async def test_late_changes_wait_for_a_second_person(api: ApiHarness) -> None:
    teacher, office = await api.teacher(), await api.office()
    await api.sync(teacher)
    await api.change_policy(late_approval=True)
    item, uid = grade(api, 4)
    preview = await sync_late(api, teacher, dry_run=True)
    stopped = await sync_late(api, teacher)
    for sync in (preview, stopped):
        assert (sync["result"], sync["guard"]["danger"], sync["guard"]["late"]) == (
            "stopped-for-review",
            None,
            1,
        )
        assert sync["approval"]["by_caller"] is False
    assert (stopped["error"]["code"], stopped["applied"]) == ("late-change", "none")
    assert "ended on Jun 11, 2027, so a second" in stopped["guard"]["explanation"] in str(stopped["error"])
    of_office = (await office.get(f"{api.path}/syncs/{stopped['id']}")).json()
    assert of_office["approval"]["by_caller"] is True
    assert stopped["error"]["fix"].startswith("Ask another teacher of the section to review")
    assert of_office["error"]["fix"].startswith("Review what would change.")
    own = {"approve": stopped["fingerprint"], "reason": "Regraded."}
    expect_problem(await teacher.post(f"{api.path}/syncs", own), 403, "second-person-needed")
    silent = {"approve": stopped["fingerprint"]}
    expect_problem(await office.post(f"{api.path}/syncs", silent), 422, "reason-needed")
    for blank in ("", "   ", "\n", "\u00a0", "\u200b", "\u3164", "\u2800"):
        unsaid = {"approve": stopped["fingerprint"], "reason": blank}
        expect_problem(await office.post(f"{api.path}/syncs", unsaid), 422, "request-not-valid")
    sent = await sync_late(api, office, approve=stopped["fingerprint"], reason="Regraded after an appeal.")
    assert (sent["status"], sent["scores"]["written"], sent["reason"]) == (
        "complete",
        1,
        "Regraded after an appeal.",
    )
    (cell,) = (await teacher.get(f"{api.path}/history", assignment=item, student=uid)).json()["items"]
    change = cell["change"]
    assert (change["requested_by"], change["reason"]) == (
        f"teacher:{api.room.teacher.uid}",
        "Regraded after an appeal.",
    )
    assert change["approved_by"].startswith("client:")


async def test_looking_at_a_preview_is_not_asking(api: ApiHarness) -> None:
    teacher, office = await api.teacher(), await api.office()
    await api.sync(teacher)
    await api.change_policy(late_approval=True)
    grade(api, 4)
    preview = await sync_late(api, office, dry_run=True)
    stopped = await sync_late(api, teacher)
    assert stopped["fingerprint"] == preview["fingerprint"]
    own = {"approve": stopped["fingerprint"], "reason": "Regraded."}
    expect_problem(await teacher.post(f"{api.path}/syncs", own), 403, "second-person-needed")


@pytest.mark.parametrize("options", [{}, {"reason": "Regraded."}])
async def test_a_preview_of_before_asks_for_nothing_late(api: ApiHarness, options: dict[str, str]) -> None:
    teacher, office = await api.teacher(), await api.office()
    await api.sync(teacher)
    grade(api, 4)
    preview = await api.sync(office, dry_run=True)
    await api.change_policy(late_approval=True)
    stopped = await sync_late(api, teacher, approve=preview["fingerprint"], **options)
    assert (stopped["error"]["code"], stopped["applied"]) == ("late-change", "none")
    sent = await sync_late(api, office, approve=preview["fingerprint"], reason="Regraded.")
    assert (sent["status"], sent["scores"]["written"]) == ("complete", 1)


async def test_changes_of_the_term_need_no_second_person(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.change_policy(late_approval=True)
    await api.sync(teacher)
    grade(api, 4)
    assert (await api.sync(teacher))["scores"]["written"] == 1
    unchanged = await sync_late(api, teacher)
    assert (unchanged["status"], unchanged["guard"]["danger"]) == ("complete", None)
    assert unchanged["approval"] is None
