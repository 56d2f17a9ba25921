"""Edit scores that a sync has sent, in the SIS itself, and compare the section afterwards."""

from decimal import Decimal
from typing import Any

from gradesync.sync import comparison
from gradesync_sandbox.powerschool.rows import AssignmentSection
from gradesync_sandbox.schoology.model import Item
from harness.api import ApiClient, ApiHarness


def part_of(api: ApiHarness, item: Item) -> AssignmentSection:
    """Return the section's part of the one SIS assignment of that title."""
    (assignment,) = api.world.powerschool.gradebook.named(api.room.sis, item.title.strip())
    return assignment.section(api.room.sis.dcid)


def find_scored(api: ApiHarness, least: int = 1) -> tuple[Item, list[int]]:
    """Return an assignment of which the SIS holds so many scores at least, and the students' uids."""
    gradebook = api.world.powerschool.gradebook
    for item in api.room.section.standing():
        for assignment in gradebook.named(api.room.sis, item.title.strip()):
            held = gradebook.scores[assignment.section(api.room.sis.dcid).assignmentsectionid]
            uids = [uid for uid, student in api.room.students.items() if student.dcid in held]
            if len(uids) >= least:
                return item, uids
    raise AssertionError(f"no assignment has {least} scores")


def type_in_sis(api: ApiHarness, item: Item, uid: int, points: Decimal | int) -> None:
    """Type a score into PowerTeacher Pro."""
    api.world.powerschool.gradebook.edit_score(part_of(api, item), api.room.students[uid], Decimal(points))


class SisScore:
    """Hold one score that the SIS holds: the item, the student, and what the SIS held at first."""

    def __init__(self, api: ApiHarness, number: int = 0) -> None:
        self.api = api
        self.item, uids = find_scored(api, number + 1)
        self.uid = uids[number]
        self.student = api.room.students[self.uid]
        self.part = part_of(api, self.item)
        self.before = self.held

    @property
    def held(self) -> str | None:
        table = self.api.world.powerschool.gradebook.table(self.api.room.sis)
        return table[self.item.title.strip()][self.student.dcid]

    def type_in_sis(self, points: Decimal | int) -> None:
        type_in_sis(self.api, self.item, self.uid, points)

    def grade(self, points: int) -> None:
        """Change the score in Schoology."""
        self.api.world.schoology.grade(self.api.room.section.id, self.item.id, self.uid, points)

    def replace_account(self) -> None:
        """Give the student another account, with the same SIS id and the same scores."""
        self.uid = self.api.world.schoology.replace_account(self.uid).uid

    def decision(self, choice: str) -> dict[str, str]:
        return {"assignment": str(self.item.id), "sis_student": str(self.student.dcid), "choice": choice}


async def compare(api: ApiHarness, who: ApiClient) -> dict[str, Any]:
    """Compare the section to its end, and return the comparison."""
    started = await who.post(f"{api.path}/comparisons")
    assert started.status_code == 202, started.text
    assert await comparison.advance(api.runtime.context) == 1
    found: dict[str, Any] = (await who.get(started.headers["location"])).json()
    assert found["status"] == "complete", found
    assert found["cells"] == sum(found["counts"].values())
    return found


async def edit_and_compare(api: ApiHarness) -> tuple[ApiClient, SisScore]:
    """Sync, edit one score in the SIS, and compare; return the teacher and the score."""
    teacher = await api.teacher()
    await api.sync(teacher)
    score = SisScore(api)
    score.type_in_sis(3)
    await compare(api, teacher)
    return teacher, score
