"""Change a class at random, as the people of a school do."""

from harness.district import DistrictHarness


def change_at_random(harness: DistrictHarness, seed: int) -> None:
    """Grade, clear, rename, drop and delete as the seed has it."""
    for number, item in enumerate(harness.items):
        uid = harness.students[(number * 7 + seed) % len(harness.students)]
        match (number + seed) % 5:
            case 0:
                harness.grade(item, uid, number)
            case 1:
                harness.clear(item, uid)
            case 2:
                harness.edit(item, title=f"Renamed {number}")
            case 3:
                harness.mark(item, uid, 3)
            case _:
                harness.world.schoology.delete_assignment(harness.room.section.id, item.id)
    student = harness.room.students[harness.students[seed % 3]]
    harness.world.powerschool.drop(student, harness.room.sis)
