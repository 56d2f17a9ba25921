"""Test undos by HTTP: of a sync, an assignment and a student, and what each waits for."""

from typing import Any

from harness.api import ApiClient, ApiHarness, expect_problem
from harness.history import by_cell, read_all, undo
from harness.sis_edits import SisScore, edit_and_compare, type_in_sis


async def approve(
    api: ApiHarness, who: ApiClient, stopped: dict[str, Any], *, cleared: int
) -> dict[str, Any]:
    """Approve an undo that stopped because it would clear scores, and return it settled."""
    assert (stopped["result"], stopped["applied"]) == ("stopped-for-review", "none")
    assert (stopped["guard"]["danger"], stopped["guard"]["cleared"]) == ("scores", cleared)
    assert f"{cleared} would be cleared" in stopped["guard"]["explanation"]
    return await api.sync(who, approve=stopped["fingerprint"])


async def test_undo_of_an_assignment_to_before_it_was_sent_waits(api: ApiHarness) -> None:
    teacher = await api.teacher()
    first = await api.sync(teacher)
    path = f"{api.path}/history"
    before = by_cell(await read_all(teacher, path))
    item_id = next(item for (item, _), value in before.items() if value is not None)
    own = [key for key, value in before.items() if key[0] == item_id and value is not None]
    wanted = {"assignment": item_id, "as_of": first["requested_at"]}
    preview = await undo(api, teacher, **wanted, dry_run=True)
    assert (preview["result"], preview["guard"]["cleared"]) == ("stopped-for-review", len(own))
    stopped = await undo(api, teacher, **wanted)
    assert by_cell(await read_all(teacher, path)) == before
    assert stopped["fingerprint"] == preview["fingerprint"]
    done = await approve(api, teacher, stopped, cleared=len(own))
    assert (done["scores"]["cleared"], done["status"]) == (len(own), "complete")
    assert done["undo"]["assignment"] == item_id


async def test_undo_of_the_first_sync_counts_every_clear(api: ApiHarness) -> None:
    teacher = await api.teacher()
    first = await api.sync(teacher)
    before = by_cell(await read_all(teacher, f"{api.path}/history"))
    stopped = await undo(api, teacher, sync=first["id"])
    standing = sum(value is not None for value in before.values())
    done = await approve(api, teacher, stopped, cleared=standing)
    assert done["scores"]["cleared"] == standing


async def test_undo_to_a_moment_between_syncs_waits_only_for_clears(api: ApiHarness) -> None:
    """Put a changed score back at once, and wait where one was blank at that moment."""
    teacher, section, world = await api.teacher(), api.room.section.id, api.world.schoology
    await api.sync(teacher)
    path = f"{api.path}/history"
    found = by_cell(await read_all(teacher, path))
    uid = next(uid for (_, uid), value in found.items() if value not in {None, "3"})
    item_id, blank = [int(i) for (i, u), value in found.items() if u == uid and value not in {None, "3"}][:2]
    world.clear(section, blank, int(uid))
    moment = {"student": uid, "as_of": (await api.sync(teacher))["finished_at"]}
    before = by_cell(await read_all(teacher, path))
    world.grade(section, item_id, int(uid), 3)
    await api.sync(teacher)
    changed = await undo(api, teacher, **moment)
    assert (changed["result"], changed["guard"]["danger"]) == ("all-sent", None)
    assert by_cell(await read_all(teacher, path)) == before
    world.grade(section, blank, int(uid), 3)
    await api.sync(teacher)
    stopped = await undo(api, teacher, **moment)
    await approve(api, teacher, stopped, cleared=1)
    assert by_cell(await read_all(teacher, path)) == before


async def test_undo_puts_back_the_edit_that_a_comparison_saw(api: ApiHarness) -> None:
    """Send a changed score over an edit, without reading it, and put back what the teacher had typed."""
    teacher, score = await edit_and_compare(api)
    score.grade(2)
    over = await api.sync(teacher)
    assert score.held == "2"
    done = await undo(api, teacher, sync=over["id"])
    assert (done["result"], score.held) == ("all-sent", "3")


async def test_undo_counts_no_clear_that_it_leaves(api: ApiHarness) -> None:
    """Wait for nobody where each score that would be cleared was edited since, and is left."""
    teacher = await api.teacher()
    first = await api.sync(teacher)
    score = SisScore(api)
    before = by_cell(await read_all(teacher, f"{api.path}/history"))
    for (item_id, uid), value in before.items():
        if uid == str(score.uid) and value is not None:
            type_in_sis(api, api.room.section.items[int(item_id)], int(uid), 1)
    done = await undo(api, teacher, student=str(score.uid), as_of=first["requested_at"])
    assert (done["guard"]["cleared"], done["guard"]["danger"]) == (0, None)
    assert (done["scores"]["cleared"], done["result"]) == (0, "needs-attention")


async def test_undo_puts_a_sync_back_and_keeps_it_back(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    path = f"{api.path}/history"
    before = by_cell(await read_all(teacher, path))
    scored = list({key[0]: key for key, value in before.items() if value not in {None, "3"}}.values())[:3]
    for item_id, uid in scored:
        api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 3)
    mistake = await api.sync(teacher)
    edited = scored[0]
    type_in_sis(api, api.room.section.items[int(edited[0])], int(edited[1]), 2)
    preview = await undo(api, teacher, sync=mistake["id"], dry_run=True)
    done = await undo(api, teacher, sync=mistake["id"], reason="Typed into the wrong column.")
    assert preview["scores"] == done["scores"]
    assert (done["scores"]["written"], done["scores"]["skipped"]) == (2, 1)
    outcomes = (await teacher.get(f"{done['links']['self']}/outcomes", result="skipped")).json()["items"]
    assert [one["reason"]["code"] for one in outcomes] == ["changed-since"]
    back = {**before, edited: "3"}
    assert by_cell(await read_all(teacher, path)) == back
    change = (await teacher.get(path, assignment=scored[1][0], student=scored[1][1])).json()["items"][0][
        "change"
    ]
    assert (change["mode"], change["reason"]) == ("undo", "Typed into the wrong column.")
    for mode in ("changes", "full"):
        again = await api.sync(teacher, mode=mode, assignments=[item_id])
        assert again["scores"]["written"] == 0
    api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 4)
    changed = await api.sync(teacher)
    assert changed["scores"]["written"] == 1, changed
    assert by_cell(await read_all(teacher, path))[item_id, uid] == "4"


async def test_undo_of_undo_restores_and_needs_no_decision(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    path = f"{api.path}/history"
    before = by_cell(await read_all(teacher, path))
    item_id, uid = next(key for key, value in before.items() if value not in {None, "3"})
    api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 3)
    mistake = await api.sync(teacher)
    done = await undo(api, teacher, sync=mistake["id"])
    assert by_cell(await read_all(teacher, path)) == before
    redone = await undo(api, teacher, sync=done["id"])
    assert redone["scores"]["written"] == 1
    assert by_cell(await read_all(teacher, path)) == {**before, (item_id, uid): "3"}
    assert (await api.sync(teacher, mode="full"))["scores"]["written"] == 0
    refused = await teacher.post(f"{api.path}/undo", {"sync": mistake["id"]})
    assert refused.status_code == 202  # what was touched since is named, not refused
    await api.run_queued()


async def test_undo_without_anything_to_put_back_is_refused(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    unchanged = await api.sync(teacher)
    response = await teacher.post(f"{api.path}/undo", {"sync": unchanged["id"]})
    expect_problem(response, 422, "undo-not-possible")
    long_ago = {"student": str(next(iter(api.room.students))), "as_of": "2019-01-01T00:00:00Z"}
    gone = expect_problem(await teacher.post(f"{api.path}/undo", long_ago), 422, "undo-not-possible")
    assert gone["detail"].startswith("The history is kept from 20")
    both = {"sync": unchanged["id"], "student": "1", "as_of": unchanged["requested_at"]}
    expect_problem(await teacher.post(f"{api.path}/undo", both), 422, "request-not-valid")


async def test_undo_of_a_student_clears_what_was_first_sent(api: ApiHarness) -> None:
    teacher = await api.teacher()
    first = await api.sync(teacher)
    before = by_cell(await read_all(teacher, f"{api.path}/history"))
    uid = next(student for (_, student), value in before.items() if value is not None)
    own = [key for key, value in before.items() if key[1] == uid and value is not None]
    stopped = await undo(api, teacher, student=uid, as_of=first["requested_at"])
    done = await approve(api, teacher, stopped, cleared=len(own))
    assert done["scores"]["cleared"] == len(own)
    now = by_cell(await read_all(teacher, f"{api.path}/history"))
    assert {key: now[key] for key in own} == dict.fromkeys(own)
    assert {key: value for key, value in now.items() if key[1] != uid} == {
        key: value for key, value in before.items() if key[1] != uid
    }


async def test_undo_names_what_stands_under_a_former_number(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    before = by_cell(await read_all(teacher, f"{api.path}/history"))
    item_id, uid = next(key for key, value in before.items() if value not in {None, "3"})
    api.world.schoology.grade(api.room.section.id, int(item_id), int(uid), 3)
    mistake = await api.sync(teacher)
    api.world.powerschool.renumber_student(api.room.students[int(uid)], dcid=190_001)
    api.world.schoology.set_school_uid(int(uid), "1_190001")
    for wanted in ({"sync": mistake["id"]}, {"student": uid, "as_of": mistake["requested_at"]}):
        done = await undo(api, teacher, **wanted)
        path = f"{done['links']['self']}/outcomes"
        (left,) = (await teacher.get(path, assignment=item_id, student=uid)).json()["items"]
        assert (left["result"], left["reason"]["code"]) == ("skipped", "student-renumbered")
        assert (done["scores"]["written"], done["scores"]["cleared"]) == (0, 0)


async def test_undo_keeps_what_is_owed(api: ApiHarness) -> None:
    teacher = await api.teacher()
    await api.sync(teacher)
    before = by_cell(await read_all(teacher, f"{api.path}/history"))
    uid, student = next(iter(api.room.students.items()))
    item_id = next(
        item for (item, one), value in before.items() if one == str(uid) and value not in {None, "3"}
    )
    api.world.schoology.grade(api.room.section.id, int(item_id), uid, 3)
    mistake = await api.sync(teacher)
    api.world.powerschool.drop(student, api.room.sis)
    api.world.schoology.grade(api.room.section.id, int(item_id), uid, 4)
    assert (await api.sync(teacher))["scores"]["failed"] > 0
    await undo(api, teacher, sync=mistake["id"])
    api.world.powerschool.enroll(student, api.room.sis)
    assert (await api.sync(teacher))["status"] == "complete"
    assert by_cell(await read_all(teacher, f"{api.path}/history"))[item_id, str(uid)] == "4"


async def test_R40_an_undo_holds_for_the_next_account(api: ApiHarness) -> None:
    """Keep what was put back while Schoology has the undone score, under whatever account (R40)."""
    teacher = await api.teacher()
    await api.sync(teacher)
    score = SisScore(api)
    score.grade(3)
    mistake = await api.sync(teacher)
    await undo(api, teacher, sync=mistake["id"])
    assert score.held == score.before
    for _ in range(2):
        score.replace_account()
        preview = await api.sync(teacher, dry_run=True)
        for mode in ("changes", "full", "changes"):
            sync = await api.sync(teacher, mode=mode)
            assert (sync["status"], sync["scores"]["written"]) == ("complete", 0)
            assert (score.held, preview["scores"]["written"]) == (score.before, 0)
    score.grade(4)
    await api.sync(teacher)
    assert score.held == "4"
