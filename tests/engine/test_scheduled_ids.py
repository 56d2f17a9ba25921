"""See from Schoology alone that a scheduled sync would send scores to other records (R40)."""

from dataclasses import replace
from typing import Literal

import pytest

from gradesync.sync.unchanged import is_unchanged
from harness.assertions import assert_synced_well
from harness.district import DistrictHarness


async def is_news(harness: DistrictHarness) -> bool:
    return not await is_unchanged(harness.context, harness.district, harness.section)


@pytest.mark.parametrize("student_id", ["dcid", "student_number"])
async def test_R40_a_corrected_school_id_is_news(
    harness: DistrictHarness, student_id: Literal["dcid", "student_number"]
) -> None:
    for uid, student in harness.room.students.items():
        harness.world.schoology.users[uid].school_uid = f"1_{getattr(student, student_id)}"
    match = replace(harness.district.match, student_id=student_id)
    await harness.replace_district(replace(harness.district, match=match))
    await assert_synced_well(harness)
    assert not await is_news(harness)
    harness.world.schoology.swap_school_uids(*harness.students[:2])
    assert await is_news(harness)
    await harness.sync()
    assert not await is_news(harness)
