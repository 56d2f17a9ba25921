"""Run random histories of a section: teachers, the SIS, faults, crashes; rules are invariants."""

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from gradesync_sandbox.faults import Done, System
from gradesync_sandbox.schoology.model import Item, Mark
from harness.assertions import find_false_claims
from harness.district import DistrictHarness
from harness.fault_matrix import EFFECTS, Scale
from harness.faults import kill_worker, lose_ledger
from harness.loop_machine import LoopMachine

NUMBERS = st.integers(0, 3)
POINTS = st.integers(0, 40).map(lambda quarters: f"{quarters / 4:g}")
CALLS: list[tuple[System, str]] = [
    ("schoology", "multiget"),
    ("powerschool", "assignment.list"),
    ("powerschool", "assignment.get"),
    ("powerschool", "assignment.create"),
    ("powerschool", "assignment.update"),
    ("powerschool", "score.write"),
]
FAULTS = ("refused before", "lost after", "409", "500", "cut short")
MOST = 4
"""Limit assignments to one fewer than those for which the guard asks a person."""


class SectionMachine(LoopMachine):
    """Run one section."""

    def __init__(self) -> None:
        super().__init__()
        self.names = 0
        self.edited = False

    @initialize()
    def begin(self) -> None:
        self.harness: DistrictHarness = self.run(
            self.stack.enter_async_context(self.environment.open_district(Scale().build()))
        )

    def teardown(self) -> None:
        if not hasattr(self, "harness"):
            return
        try:
            self.everything_is_as_the_rules_demand()
        finally:
            self.run(self.stack.aclose())

    # --- what people do

    def item(self, number: int) -> Item:
        return self.harness.items[number % len(self.harness.items)]

    def student(self, number: int) -> int:
        return self.harness.students[number % len(self.harness.students)]

    def new_name(self) -> str:
        self.names += 1
        return f"Assignment {self.names}"

    @rule(item=NUMBERS, student=NUMBERS, points=POINTS)
    def teacher_grades(self, item: int, student: int, points: str) -> None:
        self.harness.grade(self.item(item), self.student(student), points)

    @rule(item=NUMBERS, student=NUMBERS)
    def teacher_clears(self, item: int, student: int) -> None:
        self.harness.clear(self.item(item), self.student(student))

    @rule(
        item=NUMBERS, student=NUMBERS, mark=st.sampled_from([Mark.EXCUSED, Mark.INCOMPLETE, Mark.MISSING, 4])
    )
    def teacher_marks(self, item: int, student: int, mark: int) -> None:
        self.harness.mark(self.item(item), self.student(student), mark)

    @precondition(lambda self: len(self.harness.items) < MOST)
    @rule()
    def teacher_adds_an_assignment(self) -> None:
        self.harness.add(self.new_name())

    @rule(item=NUMBERS)
    def teacher_renames(self, item: int) -> None:
        self.harness.edit(self.item(item), title=self.new_name())

    @rule(item=NUMBERS, points=st.integers(1, 50))
    def teacher_rescales(self, item: int, points: int) -> None:
        self.harness.edit(self.item(item), max_points=points)

    @rule(item=NUMBERS, deleted=st.booleans())
    def teacher_deletes_or_restores(self, item: int, deleted: bool) -> None:
        self.harness.edit(self.item(item), deleted=deleted)

    @rule(number=NUMBERS)
    def someone_deletes_in_the_sis(self, number: int) -> None:
        gradebook = self.harness.world.powerschool.gradebook
        there = gradebook.of_section(self.harness.room.sis)
        if there:
            gradebook.delete_assignment(there[number % len(there)].assignmentid)

    @rule(number=NUMBERS, student=NUMBERS, points=st.integers(60, 90))
    def someone_edits_in_the_sis(self, number: int, student: int, points: int) -> None:
        """Edit a score that was sent: nothing corrects another one (R6)."""
        gradebook, room = self.harness.world.powerschool.gradebook, self.harness.room
        there = gradebook.of_section(room.sis)
        who = room.students[self.student(student)]
        part = there[number % len(there)].section(room.sis.dcid) if there else None
        score = gradebook.scores[part.assignmentsectionid].get(who.dcid) if part else None
        if part is not None and score is not None and not score.blank:
            gradebook.edit_score(part, who, Decimal(points))
            self.edited = True

    # --- syncs

    @rule()
    def sync(self) -> None:
        self.sync_well("changes")

    @rule()
    def full_sync(self) -> None:
        self.sync_well("full")

    @rule(call=st.sampled_from(CALLS), effect=st.sampled_from(FAULTS), times=st.sampled_from([1, 2, None]))
    def sync_with_a_fault(self, call: tuple[System, str], effect: str, times: int | None) -> None:
        self.harness.fault(*call, EFFECTS[effect], times=times)
        sync = self.run(self.harness.sync())
        assert self.run(find_false_claims(self.harness, sync)) == []
        self.run(self.harness.end_faults())

    @rule(nth=st.integers(1, 8), done=st.sampled_from(["before", "after"]))
    def worker_dies(self, nth: int, done: Done) -> None:
        self.run(self._die(nth, done))

    @rule()
    def the_ledger_is_lost(self) -> None:
        """Lose the ledger right after a sync, so that all of it can be found in the SIS again."""
        self.everything_is_as_the_rules_demand()
        self.run(lose_ledger(self.harness))
        self.harness.forget_calls()
        self.sync_well("changes")
        assert self.harness.created == 0

    def sync_well(self, mode: str) -> None:
        self.harness.forget_calls()
        sync = self.run(self.harness.sync(mode=mode))
        assert sync.error_code is None
        assert self.run(find_false_claims(self.harness, sync)) == []
        assert self.harness.world.powerschool.log.effects().get("unchanged", 0) == 0
        if mode == "full":
            self.edited = False
        if not self.edited:
            assert self.harness.differences() == []

    def everything_is_as_the_rules_demand(self) -> None:
        self.sync_well("full")
        self.harness.forget_calls()
        self.run(self.harness.sync())
        assert self.harness.writes == []

    async def _die(self, nth: int, done: Done) -> None:
        sync = await kill_worker(self.harness, nth, done)
        assert await find_false_claims(self.harness, await self.harness.run_to_end(sync)) == []
