"""Test rules R27, R35, R40 and R53 by their numbers: one record has one id, however its number is written."""

from dataclasses import replace
from typing import Any

import pytest

from gradesync.core.district import Match
from gradesync.core.ledger import Owed, points_of
from gradesync.core.reasons import Reason
from gradesync.db import ledger, links
from gradesync_sandbox.faults import Status
from gradesync_sandbox.schoology.model import User
from harness.district import DistrictHarness

KINDS = ["dcid", "id", "student_number"]
# A preview, the sync, and the next one.
PREVIEWED: list[dict[str, Any]] = [{"dry_run": True}, {}, {"mode": "changes"}]
SHARED, UNMATCHED = ("failed", "school-id-shared"), ("failed", "student-unmatched")


async def match_by(harness: DistrictHarness, kind: str) -> None:
    """Let the school ids hold one of the ids that PowerSchool has of a student, in any text."""
    for uid, student in harness.room.students.items():
        user(harness, uid).school_uid = f"1_{getattr(student, kind)}"
    match = Match(student="^1_(.+)$", student_id=kind)
    await harness.replace_district(replace(harness.district, match=match))


def user(harness: DistrictHarness, uid: int) -> User:
    return harness.world.schoology.users[uid]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["changes", "full"])
async def test_R53_padded_ids_of_one_record_are_shared(
    harness: DistrictHarness, kind: str, mode: str
) -> None:
    await match_by(harness, kind)
    await harness.sync()
    before, (ann, ben, *_) = harness.table(), harness.students
    user(harness, ben).school_uid = user(harness, ann).school_uid.replace("1_", "1_00")
    item = harness.items[0]
    harness.grade(item, ann, 3)
    harness.grade(item, ben, 4)
    outcomes = await harness.outcomes_by_cell(await harness.sync(mode=mode))
    assert {outcomes[item.id, uid] for uid in (ann, ben)} == {SHARED}
    assert harness.table() == before


@pytest.mark.parametrize("mode", ["changes", "full"])
@pytest.mark.parametrize("pair", [(0, 1), (1, 0)], ids=["the later", "the earlier"])
async def test_R40_R53_ids_shared_by_correction_are_named_at_once(
    harness: DistrictHarness, mode: str, pair: tuple[int, int]
) -> None:
    one, other = (harness.students[place] for place in pair)
    for item in harness.items:
        harness.grade(item, other, 3)
    await harness.sync()
    before, own = harness.table(), user(harness, other).school_uid
    user(harness, other).school_uid = user(harness, one).school_uid
    for wanted in PREVIEWED:
        sync = await harness.sync(**{"mode": mode, **wanted})
        failed = {key: why for key, why in (await harness.outcomes_by_cell(sync)).items() if key[1]}
        assert failed == {(item.id, uid): SHARED for item in harness.items for uid in (one, other)}
    harness.forget_calls()
    user(harness, other).school_uid = own
    sync = await harness.sync()
    assert (sync.status, dict(sync.warnings), harness.writes) == ("complete", {}, [])
    assert (harness.differences(), harness.table()) == ([], before)


@pytest.mark.parametrize("kind", KINDS)
async def test_R35_a_lone_padded_id_is_the_record_it_names(harness: DistrictHarness, kind: str) -> None:
    await match_by(harness, kind)
    for uid in harness.students:
        user(harness, uid).school_uid = user(harness, uid).school_uid.replace("1_", "1_000")
    for mode in ("changes", "full"):
        sync = await harness.sync(mode=mode)
        assert (sync.status, harness.differences()) == ("complete", [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["+{}", "1_{}", " {}", "{} ", "{}.0", "-{}", "guest17", "²"])
async def test_R27_R35_an_id_that_is_no_number_costs_itself_alone(
    harness: DistrictHarness, kind: str, text: str
) -> None:
    await match_by(harness, kind)
    await harness.sync()
    ann, ben, cam, *_ = harness.students
    number = user(harness, ann).school_uid[2:]
    user(harness, ben).school_uid = f"1_{text.format(number).replace('1_', number[:2] + '_')}"
    item = harness.items[0]
    for points, uid in enumerate((ann, ben, cam)):
        harness.grade(item, uid, points)
    before = harness.sis_text(item, ben)
    outcomes = await harness.outcomes_by_cell(await harness.sync())
    assert outcomes[item.id, ben] == UNMATCHED
    assert [harness.sis_text(item, uid) for uid in (ann, ben, cam)] == ["0", before, "2"]


async def test_R40_a_padded_section_code_is_one_section(harness: DistrictHarness) -> None:
    await harness.sync()
    room, ann = harness.room, harness.students[0]
    harness.forget_calls()
    for code in (f"00{room.sis.dcid}", f"0{room.sis.dcid}", str(room.sis.dcid)):
        room.section.school_code = code
        for mode in ("changes", "full"):
            sync = await harness.sync(mode=mode)
            assert (sync.status, dict(sync.warnings), harness.writes) == ("complete", {}, [])
    harness.grade(harness.items[0], ann, 3)
    assert (await harness.sync()).status == "complete"
    assert harness.sis_text(harness.items[0], ann) == "3"


async def test_R40_a_section_first_known_padded_syncs(harness: DistrictHarness) -> None:
    harness.room.section.school_code = f"0{harness.room.sis.dcid}"
    for mode in ("changes", "changes", "full"):
        assert (await harness.sync(mode=mode)).status == "complete"
        assert harness.differences() == []
    section = (await harness.link()).sis
    assert section is not None
    assert section.ref.key == section.ref.value["section_dcid"] == str(harness.room.sis.dcid)


async def store_as_before(harness: DistrictHarness, texts: dict[int, str], reads_scores: bool = True) -> None:
    """Store what an earlier release stored of these students, whose school ids hold these texts.

    It sent their numbers, and looked for the texts where it might read scores.
    """
    link, found = await harness.link(), await harness.ledger()
    async with harness.context.database.district(harness.district.id) as db:
        students = {**link.students, **{str(uid): text for uid, text in texts.items()}}
        await links.save(db, replace(link, students=students))
        for entry in found.values():
            sent, owed = dict(entry.sent), {}
            for uid, text in texts.items():
                value = sent.pop(link.students[str(uid)])
                sent[text] = None if reads_scores else value
                if reads_scores:
                    owed[str(uid)] = Owed(Reason.SCORE_NOT_KEPT, value)
            await ledger.save(db, harness.section, [entry._replace(sent=sent, owed=owed)])


@pytest.mark.parametrize("mode", ["changes", "full"])
@pytest.mark.parametrize("reads_scores", [True, False])
async def test_R18_R40_padded_keys_of_before_are_not_sent_again(
    harness: DistrictHarness, mode: str, reads_scores: bool
) -> None:
    await match_by(harness, "dcid")
    await harness.sync()
    texts = {uid: f"00{student.dcid}" for uid, student in harness.room.students.items()}
    for uid, text in texts.items():
        user(harness, uid).school_uid = f"1_{text}"
    await store_as_before(harness, texts, reads_scores)
    if not reads_scores:
        harness.fault("powerschool", "schema.assignmentscore", Status(403, "{}"), times=None)
    harness.forget_calls()
    for wanted in PREVIEWED:
        sync = await harness.sync(**{"mode": mode, **wanted})
        assert (sync.status, dict(sync.warnings), harness.writes) == ("complete", {}, [])
    ann, item = harness.students[0], harness.items[0]
    harness.grade(item, ann, 3)
    assert (await harness.sync()).scores["written"] == 1
    assert harness.differences() == []
    dcids = {str(student.dcid) for student in harness.room.students.values()}
    assert {key for entry in (await harness.ledger()).values() for key in entry.sent} == dcids


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("text", ["0{}", "+{}"])
async def test_R40_a_record_written_under_another_text_is_put_right(
    harness: DistrictHarness, text: str, corrected: bool
) -> None:
    await match_by(harness, "dcid")
    ann, ben, *_ = harness.students
    item, record = harness.items[0], str(harness.room.students[ann].dcid)
    harness.grade(item, ann, 8)
    harness.grade(item, ben, 7)
    await harness.sync()
    own, alias = user(harness, ben).school_uid, text.format(record)
    kept = {entry.id: points_of(entry.sent[own[2:]]) for entry in (await harness.ledger()).values()}
    await store_as_before(harness, {ben: alias})
    for each in harness.items:  # the earlier release wrote them there
        harness.type_in_sis(each, ann, kept[str(each.id)])
    user(harness, ben).school_uid = own if corrected else f"1_{alias}"
    sync = await harness.sync()
    if not corrected:
        reason = (await harness.outcomes_by_cell(sync))[item.id, ben]
        assert reason == (SHARED if text == "0{}" else UNMATCHED)
        user(harness, ben).school_uid = own
        sync = await harness.sync()
    assert (sync.status, dict(sync.warnings), harness.differences()) == ("complete", {}, [])
    harness.forget_calls()
    assert ((await harness.sync(mode="full")).status, harness.writes) == ("complete", [])
