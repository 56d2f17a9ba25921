"""Test rules R27, R35, R40 and R53 by their numbers: one record has one id, however its number is written."""

from dataclasses import replace

import pytest

from gradesync.core.district import Match
from gradesync_sandbox.schoology.model import User
from harness.district import DistrictHarness

KINDS = ["dcid", "id", "student_number"]
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
