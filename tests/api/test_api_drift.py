"""Test decisions about scores that were changed in the SIS, from the list to the sync that acts on them."""

from decimal import Decimal
from typing import Any

import pytest

from gradesync_sandbox.faults import Fault, LoseAfter, RefuseBefore
from harness.api import ApiClient, ApiHarness, expect_problem
from harness.known_districts import forget_pauses
from harness.sis_edits import SisScore, compare, edit_and_compare


async def list_drift(api: ApiHarness, who: ApiClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await who.get(f"{api.path}/drift")).json()["items"]
    return items


async def decide(api: ApiHarness, who: ApiClient, *decisions: dict[str, str]) -> None:
    response = await who.post(f"{api.path}/drift", {"decisions": list(decisions)})
    assert response.status_code == 200, response.text
    assert response.json() == {"decided": len(decisions)}


async def reason_of(who: ApiClient, sync: dict[str, Any], score: SisScore) -> str | None:
    page = (await who.get(sync["links"]["outcomes"], assignment=str(score.item.id), limit=200)).json()
    found = [o for o in page["items"] if o["student"] and o["student"]["id"] == str(score.uid)]
    return found[0]["reason"]["code"] if found and found[0]["reason"] else None


async def test_what_is_put_back_is_sent_by_the_next_sync(api: ApiHarness) -> None:
    teacher, score = await edit_and_compare(api)
    before = score.before
    (found,) = await list_drift(api, teacher)
    assert (found["sis"], found["schoology"], found["choice"]) == ("3", before, None)
    await decide(api, teacher, score.decision("put-back"))
    assert [each["choice"] for each in await list_drift(api, teacher)] == ["put-back"]
    preview = await api.sync(teacher, dry_run=True)
    sync = await api.sync(teacher)
    assert preview["scores"] == sync["scores"]
    assert (sync["scores"]["written"], score.held) == (1, before)
    assert await list_drift(api, teacher) == []
    assert (await api.sync(teacher))["scores"]["written"] == 0


async def test_what_is_taken_stays_until_schoology_changes(api: ApiHarness) -> None:
    teacher, score = await edit_and_compare(api)
    await decide(api, teacher, score.decision("take"))
    assert (await api.sync(teacher, mode="full"))["scores"]["written"] == 0
    assert score.held == "3"
    score.grade(4)
    await api.sync(teacher)
    assert score.held == "4"


async def test_what_is_stopped_stays_until_it_is_resumed(api: ApiHarness) -> None:
    teacher, score = await edit_and_compare(api)
    await decide(api, teacher, score.decision("stop"))
    score.grade(4)
    for mode in ("changes", "full"):
        sync = await api.sync(teacher, mode=mode)
        assert (sync["status"], score.held) == ("complete", "3")
        assert await reason_of(teacher, sync, score) == "left-to-sis"
    listed = (await teacher.get(f"{api.path}/assignments")).json()["items"]
    (own,) = [each for each in listed if each["id"] == str(score.item.id)]
    assert (own["state"], own["scores_waiting"] or 0, own["scores_not_sent"]) == ("synced", 0, 0)
    await decide(api, teacher, score.decision("resume"))
    await api.sync(teacher)
    assert score.held == "4"


async def test_ask_leaves_an_edit_until_it_is_decided(api: ApiHarness) -> None:
    await api.change_policy(drift="ask")
    teacher = await api.teacher()
    await api.sync(teacher)
    asked, other = SisScore(api), SisScore(api, number=1)
    assert asked.uid != other.uid
    asked.type_in_sis(3)
    asked.grade(4)
    other.grade(5)
    preview = await api.sync(teacher, dry_run=True)
    for _ in range(2):
        sync = await api.sync(teacher)
        assert (sync["status"], asked.held, other.held) == ("complete", "3", "5")
        assert await reason_of(teacher, sync, asked) == "drift-undecided"
    assert (preview["scores"]["written"], sync["scores"]["written"]) == (1, 0)
    (found,) = await list_drift(api, teacher)
    assert (found["state"], found["sis"], found["schoology"]) == ("conflict", "3", "4")
    await decide(api, teacher, asked.decision("put-back"))
    await api.sync(teacher)
    assert asked.held == "4"


@pytest.mark.parametrize(("policy", "held"), [("report", "3"), ("restore", None), ("yield", "3")])
async def test_policies_decide_what_an_ordinary_sync_does(
    api: ApiHarness, policy: str, held: str | None
) -> None:
    await api.change_policy(drift=policy)
    teacher = await api.teacher()
    await api.sync(teacher)
    score = SisScore(api)
    before = score.held
    score.type_in_sis(3)
    await api.sync(teacher)
    assert score.held == (held or before)
    await api.sync(teacher, mode="full")
    assert score.held == ("3" if policy == "yield" else before)
    score.grade(4)
    await api.sync(teacher)
    assert score.held == "4"


async def test_only_scores_of_the_list_are_decided_about(api: ApiHarness) -> None:
    office = await api.office()
    await api.sync(office)
    score, other = SisScore(api), SisScore(api, number=1)
    score.type_in_sis(3)
    await compare(api, office)
    body = {"decisions": [score.decision("stop"), other.decision("stop")]}
    expect_problem(await office.post(f"{api.path}/drift", body), 422, "drift-not-found")
    assert [each["choice"] for each in await list_drift(api, office)] == [None]
    await decide(api, office, score.decision("stop"))
    (entry,) = [e for e in (await office.get("/audit")).json()["items"] if e["action"] == "drift.decided"]
    assert entry["objects"] == {"section": api.section, **score.decision("stop")}
    assert entry["actor"].startswith("client:")


async def test_decisions_do_nothing_to_a_later_edit(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    scores = [SisScore(api), SisScore(api, number=1)]
    for score in scores:
        score.type_in_sis(3)
    await compare(api, teacher)
    await decide(api, teacher, scores[0].decision("put-back"), scores[1].decision("take"))
    for score in scores:
        score.type_in_sis(5)
    sync = await api.sync(teacher)
    assert (sync["scores"]["written"], [score.held for score in scores]) == (0, ["5", "5"])
    assert await reason_of(teacher, sync, scores[0]) == "drift-undecided"
    found = await list_drift(api, teacher)
    assert [(each["sis"], each["choice"]) for each in found] == [("5", None)] * 2
    await compare(api, teacher)
    assert await list_drift(api, teacher) == found
    await decide(api, teacher, scores[0].decision("put-back"))
    await api.sync(teacher)
    assert scores[0].held != "5"
    assert scores[1].held == "5"


async def test_edit_that_a_sync_restored_is_not_decided_about(api: ApiHarness) -> None:
    teacher, score = await edit_and_compare(api)
    before = score.before
    restored = await api.sync(teacher, mode="full")
    assert score.held == before
    assert await list_drift(api, teacher) == []
    body = {"decisions": [score.decision("put-back")]}
    expect_problem(await teacher.post(f"{api.path}/drift", body), 422, "drift-not-found")
    (one,) = await history_of(api, teacher, score)
    assert (one["change"]["before"], one["change"]["value"]) == ("3", before)
    assert one["change"]["sync_id"] == restored["id"]


async def history_of(api: ApiHarness, who: ApiClient, score: SisScore) -> list[dict[str, Any]]:
    query = {"assignment": str(score.item.id), "student": str(score.uid)}
    items: list[dict[str, Any]] = (await who.get(f"{api.path}/history", **query)).json()["items"]
    return items


@pytest.mark.parametrize("choice", ["put-back", "take"])
async def test_decision_about_an_edit_that_is_gone_ends(api: ApiHarness, choice: str) -> None:
    teacher, score = await edit_and_compare(api)
    before = score.before
    assert before is not None
    await decide(api, teacher, score.decision(choice))
    score.type_in_sis(Decimal(before))
    assert (await api.sync(teacher))["scores"]["written"] == 0
    assert await list_drift(api, teacher) == []
    score.grade(4)
    assert (await api.sync(teacher))["scores"]["written"] == 1
    assert score.held == "4"


async def test_what_was_put_back_is_in_the_history_and_undone(api: ApiHarness) -> None:
    teacher, score = await edit_and_compare(api)
    before = score.before
    await decide(api, teacher, score.decision("put-back"))
    sync = await api.sync(teacher)
    (one,) = await history_of(api, teacher, score)
    assert (one["change"]["before"], one["change"]["value"]) == ("3", before)
    undo = await teacher.post(f"{api.path}/undo", {"sync": sync["id"]})
    await api.run_queued()
    assert (undo.status_code, score.held) == (202, "3")
    assert (await api.sync(teacher, mode="full"))["scores"]["written"] == 0
    assert [each["choice"] for each in await list_drift(api, teacher)] == ["take"]


async def test_undo_whose_answer_is_lost_is_finished(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    score = SisScore(api)
    before = score.held
    score.grade(3)
    mistake = await api.sync(teacher)
    api.world.powerschool.log.clear()
    await teacher.post(f"{api.path}/undo", {"sync": mistake["id"], "dry_run": True})
    await api.run_queued()
    reads = len(api.world.powerschool.log.of("schema.assignmentscore"))
    unread = Fault("powerschool", "schema.assignmentscore", RefuseBefore(), nth=reads + 1, times=None)
    for fault in (Fault("powerschool", "score.write", LoseAfter(), times=None), unread):
        api.sandbox.faults.add(fault)
    await teacher.post(f"{api.path}/undo", {"sync": mistake["id"]})
    await api.run_queued()
    assert score.held == before
    api.mend()
    await forget_pauses(api.runtime.redis)
    await api.change_rows("UPDATE sync SET not_before = now()")  # the write that was lost has landed
    again = await api.sync(teacher)
    assert (again["scores"]["written"], score.held) == (0, before)
    assert (await api.sync(teacher, mode="full"))["scores"]["written"] == 0


@pytest.mark.parametrize("choice", ["stop", "take"])
async def test_decision_about_a_column_of_the_teacher_s_is_kept(api: ApiHarness, choice: str) -> None:
    """Decide before a sync takes over an assignment that the ledger does not know."""
    await api.change_policy(take_over=True)
    teacher = await api.teacher()
    await api.sync(teacher)
    known, world = SisScore(api), api.world
    item = world.schoology.copy_assignment(api.room.section.id, known.item.id, "Typed twice")
    world.schoology.grade(api.room.section.id, item.id, known.uid, 4)
    (assoc,) = known.part.categories
    category = next(
        one
        for one in world.powerschool.categories.values()
        if one.teachercategoryid == assoc.teachercategoryid
    )
    (part,) = world.powerschool.gradebook.add_assignment(
        api.room.sis, item.title, category, due=known.part.duedate, points=item.max_points
    ).sections
    world.powerschool.gradebook.edit_score(part, known.student, Decimal(3))
    await compare(api, teacher)
    (found,) = await list_drift(api, teacher)
    decision = {"assignment": str(item.id), "sis_student": found["sis_student"], "choice": choice}
    await decide(api, teacher, decision)
    assert [each["choice"] for each in await list_drift(api, teacher)] == [choice]
    for mode in ("changes", "full"):
        await api.sync(teacher, mode=mode)
        held = world.powerschool.gradebook.table(api.room.sis)[item.title][known.student.dcid]
        assert held == "3"


@pytest.mark.parametrize("choice", ["stop", "take", "put-back"])
@pytest.mark.parametrize("acted", [True, False])
async def test_decisions_hold_for_the_students_next_account(
    api: ApiHarness, choice: str, acted: bool
) -> None:
    teacher, score = await edit_and_compare(api)
    await decide(api, teacher, score.decision(choice))
    if acted:
        await api.sync(teacher)
    score.replace_account()
    for mode in ("changes", "full", "changes"):
        await api.sync(teacher, mode=mode)
        assert score.held == (score.before if choice == "put-back" else "3")
    if choice == "stop":
        score.grade(4)
        await api.sync(teacher)
        assert score.held == "3"
        (kept,) = await list_drift(api, teacher)
        assert (kept["student"]["id"], kept["choice"]) == (str(score.uid), "stop")


async def test_a_question_is_asked_of_the_students_next_account(api: ApiHarness) -> None:
    await api.change_policy(drift="ask")
    teacher = await api.teacher()
    await api.sync(teacher)
    score = SisScore(api)
    score.type_in_sis(3)
    score.grade(4)
    await api.sync(teacher)
    score.replace_account()
    sync = await api.sync(teacher)
    assert (await reason_of(teacher, sync, score), score.held) == ("drift-undecided", "3")
    (found,) = await list_drift(api, teacher)
    assert (found["sis"], found["schoology"]) == ("3", "4")
    await decide(api, teacher, score.decision("put-back"))
    await api.sync(teacher)
    assert score.held == "4"
