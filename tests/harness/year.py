"""Live a school year with two classes: steps on both systems, a sync after each, an oracle of the rules."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from gradesync.core.sis import Policy
from gradesync.db.syncs import Sync
from gradesync.systems import UpstreamSystems
from gradesync_sandbox.district import Classroom
from gradesync_sandbox.world import build
from harness.calendar import Calendar, first_day
from harness.district import DistrictHarness
from harness.loop_machine import LoopMachine
from harness.sis_snapshot import take_snapshot
from harness.year_memory import Done, YearMemory
from harness.year_oracle import judge_sync
from harness.year_school import SchoolYear
from harness.year_step import Step
from harness.year_steps import STEPS
from harness.year_steps_weather import end_weather

JUNE = datetime(2027, 6, 4, tzinfo=UTC)
SETTLES_LATE = "UPDATE sync SET settles_by = now() + interval '2 years' WHERE status = 'processing'"
"""Give syncs time to settle: the calendar may run ahead of the database's clock."""
UNUSED = ("Lab Reports", "Participation", "Side Projects")
NO_GUARD = Policy(guard_scores=10**6, guard_assignments=10**6)
NUMBERS = st.integers(0, 7)
MODES = st.sampled_from(["changes", "changes", "changes", "full", "preview"])
STEP_NAMES = st.runner().flatmap(lambda machine: st.sampled_from([step.name for step in machine.steps]))
WHERE = st.sampled_from([0, 0, 1])
DAYS = st.sampled_from([0, 1, 0, 2, 8, 20])


class YearMachine(LoopMachine):
    """Live one year. A subclass sets `steps` where not all are lived."""

    steps: tuple[Step, ...] = STEPS

    @initialize(
        dates=st.sampled_from(["ignored", "checked"]),
        quotes=st.sampled_from(["nothing", "plain", "json"]),
        forms=st.sampled_from([frozenset(), frozenset({"trim", "collapse", "nfc"})]),
    )
    def august(self, dates: str, quotes: str, forms: frozenset[str]) -> None:
        calendar = first_day()
        world = build(7, 3, 3, 3, ideal=True, clock=calendar.seconds)
        switches = world.powerschool.switches
        switches.teacher_dates, switches.refusal_quotes, switches.name_form = dates, quotes, set(forms)  # type: ignore[assignment, arg-type]
        rooms = world.classrooms[::2]  # those of one teacher
        for room in rooms:
            for key, category in list(room.section.categories.items()):
                if category.title in UNUSED:
                    del room.section.categories[key]
        opened = self.environment.open_district(world, policy=NO_GUARD)
        harness = self.run(self.stack.enter_async_context(opened))
        follow_calendar(harness, calendar)
        self.classes: list[SchoolYear] = []
        for memory in (memories := [YearMemory(world, room) for room in rooms]):
            memory.others = [other for other in memories if other is not memory]
            self.classes.append(SchoolYear(harness, calendar, memory, self.run, self.classes))
        self.sync(self.classes[0], "changes")

    @rule(step=STEP_NAMES, where=WHERE, a=NUMBERS, b=NUMBERS, days=DAYS, mode=MODES)
    def live(self, *, step: str, where: int, a: int, b: int, days: int, mode: str) -> None:
        """Let some days pass, let something happen, and sync; from June on nothing happens any more."""
        year = self.classes[where]
        if year.calendar.now() >= JUNE or year.away:
            return
        year.calendar.advance(days=days, seconds=1800)
        year.harness.restart()
        follow_calendar(year.harness, year.calendar)
        chosen = next(s for s in self.steps if s.name == step)
        chosen.act(year, a, b)
        year.calendar.advance(seconds=5)
        self.sync(year, mode)
        if chosen.several and year.other:
            self.sync(year.other, "changes")

    def teardown(self) -> None:
        try:
            for year in getattr(self, "classes", ()):
                if not year.away:
                    self.sync(year, "full")
        finally:
            self.run(self.stack.aclose())

    def sync(self, year: SchoolYear, mode: str) -> None:
        """Sync, after a preview or not; a rough sync is followed by a calm one that puts all right."""
        if mode == "preview":
            self.preview(year)
        rough = year.rough
        self.sync_once(year, mode if mode == "full" else "changes")
        if rough:
            end_weather(year)
            year.calendar.advance(seconds=60)
            self.sync_once(year, "changes")
        year.calendar.advance(seconds=5)

    def preview(self, year: SchoolYear) -> None:
        before = take_snapshot(year.world)
        self.run(sync_late(year.harness, year.room, dry_run=True))
        assert take_snapshot(year.world) == before, "a preview changed the SIS"

    def sync_once(self, year: SchoolYear, mode: str) -> None:
        harness = year.harness
        before = take_snapshot(year.world)
        harness.forget_calls()
        sync = self.run(sync_late(harness, year.room, mode=mode))
        rows = {
            (int(row.assignment_id), int(row.student_id) if row.student_id else None): row
            for row in self.run(harness.outcomes(sync))
            if row.student_id.isdigit() or not row.student_id  # a partial roster leaves rows of nobody
        }
        written = year.powerschool.log.score_rows()
        done = Done(
            before,
            take_snapshot(year.world),
            sync.status,
            sync.error_code,
            mode == "full",
            year.rough,
            year.calendar.now(),
            {key: (str(row.result), row.reason) for key, row in rows.items()},
            frozenset(sync.warnings),
            frozenset(year.bent),
            {key: frozenset(row.warnings) for key, row in rows.items()},
            frozenset((r.assignmentsectionid, r.studentsdcid) for r in written if r.effect == "unchanged"),
        )
        broken = judge_sync(year.memory, done)
        assert broken == [], "\n".join(broken)


def follow_calendar(harness: DistrictHarness, calendar: Calendar) -> None:
    """Let gradesync take its time from a calendar."""
    context = harness.context
    assert isinstance(context.systems, UpstreamSystems)
    systems = replace(context.systems, clock=calendar.now)
    harness.context = replace(context, clock=calendar.now, systems=systems)


async def sync_late(harness: DistrictHarness, room: Classroom, **wanted: Any) -> Sync:
    """Sync, however late it is by the calendar."""
    sync = await harness.request(room, **wanted)
    await harness.change_rows(SETTLES_LATE)
    return await harness.run_to_end(sync)
