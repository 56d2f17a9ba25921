"""Create assignments side by side in a SIS that cuts names: none takes another's column."""

import asyncio
from collections.abc import Collection
from typing import cast

from gradesync.core.ordering import AssignmentWrite
from gradesync.core.plan import Action, AssignmentPlan
from gradesync.core.ports import NewAssignment, Target
from gradesync.core.sis import LiveAssignment, Ref, SisSection, Spec
from gradesync.errors import AnswerLost
from gradesync.sync.assignment_calls import AssignmentWriter, send_assignment
from gradesync.sync.journal import Journal
from harness.gradebooks import SECTION, listed, spec

CUT = 11


class CuttingSis:
    """Stand in for a SIS that cuts names: it loses the first create of assignment 1, and holds that of 2."""

    def __init__(self) -> None:
        self.columns: list[LiveAssignment] = []
        self.lost = False
        self.answers = asyncio.Event()

    async def create_assignment(
        self, section: SisSection, wanted: Spec, item: str, held: Collection[str]
    ) -> NewAssignment:
        if item == "1" and not self.lost:
            self.lost = True
            raise AnswerLost("no answer came")
        ref = Ref(f"r{item}")
        self.columns.append(listed(ref.key, wanted._replace(name=wanted.name[:CUT])))
        if item == "2":
            await self.answers.wait()
        return NewAssignment(ref)

    async def assignments(self, section: SisSection) -> tuple[LiveAssignment, ...]:
        return tuple(self.columns)


def creating(assignment_id: str, name: str) -> AssignmentWrite:
    item = AssignmentPlan(assignment_id, name, Action.CREATE, spec=spec(name))
    return AssignmentWrite(item, spec(name))


async def test_R50_a_lost_create_takes_no_column_under_way() -> None:
    sis = CuttingSis()
    writer = AssignmentWriter(
        target=cast("Target", sis),
        section=SECTION,
        journal=cast("Journal", None),  # creating an assignment records nothing
        call_timeout=0,
        take_over=False,
        teacher=None,
        bound=set(),
    )
    second = asyncio.create_task(send_assignment(writer, creating("2", "Essay about the weather")))
    await asyncio.sleep(0)  # until it stands in the SIS, unanswered
    assert await send_assignment(writer, creating("1", "Essay about the harvest")) == Ref("r1")
    sis.answers.set()
    assert await second == Ref("r2")
