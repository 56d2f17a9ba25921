"""Drive one district: both systems on real sockets, a sync context, and time that tests move."""

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from gradesync.core.district import District
from gradesync.core.ledger import LedgerAssignment
from gradesync.db import ledger, ledger_changes, links, outcomes, syncs
from gradesync.db.outcomes import Outcome
from gradesync.db.syncs import Sync
from gradesync.redis_client.pool import RedisClient
from gradesync.sync.claim import claim_from
from gradesync.sync.context import SyncContext, SyncLimits
from gradesync.sync.request import Request, SyncOptions
from gradesync.sync.run import run_sync
from gradesync.sync.sweep import sweep
from gradesync.upstream.egress import GuardedClient
from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.faults import Change, Effect, Fault, Faults, System
from gradesync_sandbox.powerschool.rows import AssignmentSection
from gradesync_sandbox.schoology.model import Item
from gradesync_sandbox.server import Sandbox
from harness.contexts import new_context
from harness.known_districts import forget_pauses, register_district, request_and_wake
from harness.oracle import Choices, find_differences

TURNS = 12
"""Limit how often a sync may go back to the queue before a test calls it overdue."""
WRITES = (
    *("assignment.create", "assignment.update", "assignment.delete", "score.write"),
    *("lineItem.put", "lineItem.delete", "result.put", "result.post", "result.delete"),
)
NOW_IS_LATER = """
    UPDATE sync SET not_before = least(not_before, now()),
                    lease_until = least(lease_until, now() - interval '1 hour')
    WHERE status = 'processing'
"""
BOUND_IS_PAST = """
    UPDATE sync SET settles_by = now() - interval '1 second', lease_until = now() - interval '1 hour'
    WHERE status = 'processing'
"""


@dataclass
class DistrictHarness:
    """Hold one district with its world, its faults and a sync context of its own.

    `world` is changed as people would change it; `context` may be replaced, as by a new process.
    """

    world: World
    sandbox: Sandbox
    district: District
    context: SyncContext
    redis: RedisClient
    client: GuardedClient
    choices: Choices = field(default_factory=Choices)
    requested: int = 0

    @property
    def faults(self) -> Faults:
        return self.sandbox.faults

    @property
    def room(self) -> Classroom:
        return self.world.classrooms[0]

    @property
    def section(self) -> str:
        return str(self.room.section.id)

    def fault(
        self,
        system: System,
        call: str,
        effect: Effect | Change,
        *,
        nth: int | None = None,
        times: int | None = 1,
    ) -> Fault:
        return self.faults.add(Fault(system, call, effect, nth, times))

    # --- the class

    @property
    def students(self) -> list[int]:
        """Return the uids of the class, in the order of their enrollment."""
        return list(self.room.students)

    @property
    def items(self) -> list[Item]:
        return list(self.room.section.items.values())

    def grade(self, item: Item, uid: int, points: Decimal | int | str) -> None:
        self.world.schoology.grade(self.room.section.id, item.id, uid, points)

    def mark(self, item: Item, uid: int, exception: int, points: int | None = None) -> None:
        self.world.schoology.set_exception(self.room.section.id, item.id, uid, exception, points)

    def clear(self, item: Item, uid: int) -> None:
        self.world.schoology.clear(self.room.section.id, item.id, uid)

    def edit(self, item: Item, **fields: Any) -> None:
        self.world.schoology.edit_assignment(self.room.section.id, item.id, **fields)

    def add(self, title: str, points: Decimal | int = 10, **fields: Any) -> Item:
        """Add an assignment without scores, by default in the category of the first one."""
        first = self.items[0]
        usual = {"category": first.category, "due": first.due, "period": first.period}
        return self.world.schoology.add_assignment(self.room.section.id, title, points, **{**usual, **fields})

    def part(self, item: Item) -> AssignmentSection:
        """Return an assignment's section in the SIS, by its name and due date. Raises `StopIteration`."""
        gradebook, dcid = self.world.powerschool.gradebook, self.room.sis.dcid
        parts = (a.section(dcid) for a in gradebook.of_section(self.room.sis))
        due = item.due.date() if item.due else None
        return next(p for p in parts if p.name == item.title.strip() and due in (None, p.duedate))

    def sis_text(self, item: Item, uid: int) -> str | None:
        """Return the text that the SIS shows for a student."""
        student = self.room.students[uid]
        score = self.world.powerschool.gradebook.scores[self.part(item).assignmentsectionid].get(student.dcid)
        return score.actualscoreentered if score else None

    def type_in_sis(self, item: Item, uid: int, points: Decimal | int | None) -> None:
        """Enter a score in PowerTeacher Pro."""
        typed = None if points is None else Decimal(points)
        self.world.powerschool.gradebook.edit_score(self.part(item), self.room.students[uid], typed)

    def make_in_sis(self, item: Item) -> AssignmentSection:
        """Make the same assignment in PowerTeacher Pro, by hand."""
        sis, teacher = self.world.powerschool, self.room.sis_teacher.dcid
        category = next(one for one in sis.categories.values() if one.usersdcid == teacher)
        assert item.due is not None
        made = sis.gradebook.add_assignment(
            self.room.sis, item.title, category, due=item.due.date(), points=item.max_points
        )
        return made.sections[0]

    def delete_in_sis(self, item: Item) -> None:
        gradebook, part = self.world.powerschool.gradebook, self.part(item)
        gradebook.delete_assignment(gradebook.parts[part.assignmentsectionid][0].assignmentid)

    async def opt_out(self, item: Item, opted_out: bool = True) -> None:
        """Turn the assignment's switch."""
        async with self.context.database.district(self.district.id) as db:
            await ledger_changes.set_opted_out(db, self.section, [str(item.id)], opted_out)

    # --- a sync, from the request to its end

    async def request(self, room: Classroom | None = None, asker: str | None = None, **wanted: Any) -> Sync:
        """Request a sync as the section's teacher."""
        room = room or self.room
        request = Request(
            district_id=self.district.id,
            section_id=str(room.section.id),
            requester_kind="teacher",
            requester_id=asker or str(room.teacher.uid),
            options=SyncOptions(**wanted),
            settles_after=900,
        )
        sync = await request_and_wake(self.context, request)
        self.requested += 1
        return sync

    async def run_queued(self) -> None:
        """Run queued syncs until none can be claimed."""
        while claimed := await claim_from(self.context, self.district.id):
            await run_sync(self.context, claimed)

    async def run_to_end(self, sync: Sync) -> Sync:
        """Run a sync until it settles, passing time where it waits; past its deadline the sweep ends it."""
        for _ in range(TURNS):
            await self.run_queued()
            found = await self.get(sync)
            if found.status != "processing":
                return found
            await self.pass_time()
        await self.pass_deadline()
        return await self.get(sync)

    async def sync(self, room: Classroom | None = None, **wanted: Any) -> Sync:
        """Request a sync and run it until it settles."""
        return await self.run_to_end(await self.request(room, **wanted))

    async def pass_time(self) -> None:
        """End every wait: of queued syncs, leases, pauses and open circuits."""
        await self.lose_lease()
        await forget_pauses(self.redis)

    async def end_faults(self) -> None:
        """Remove all faults, wait for late calls, which come within a call's timeout, and pass time."""
        self.faults.clear()
        await self.faults.until_none_is_late()
        await self.pass_time()

    async def lose_lease(self) -> None:
        """Let the leases of the district's syncs lapse, and their time of grace pass."""
        await self.change_rows(NOW_IS_LATER)

    async def until_assignments(self, assignments: int) -> None:
        """Wait until the SIS section holds so many assignments."""
        while len(self.world.powerschool.gradebook.of_section(self.room.sis)) < assignments:
            await asyncio.sleep(0)

    async def until_score_rows(self, rows: int) -> None:
        """Wait until so many score rows have come to the SIS."""
        while len(self.world.powerschool.log.score_rows()) < rows:
            await asyncio.sleep(0)

    async def pass_deadline(self) -> None:
        """Pass the deadline of the district's syncs, and sweep."""
        await self.change_rows(BOUND_IS_PAST)
        await sweep(self.context)

    def restart(self, limits: SyncLimits | None = None) -> None:
        """Continue as a new process, whose memory is empty."""
        limits = limits or self.context.limits
        self.context = new_context(self.context.database, self.client, self.redis, limits)

    async def change_rows(self, statement: str, **values: str | None) -> None:
        """Change the district's rows as no code of gradesync does."""
        async with self.context.database.district(self.district.id) as db:
            await db.execute(text(statement), values)

    # --- what there is now

    async def get(self, sync: Sync) -> Sync:
        async with self.context.database.district(self.district.id) as db:
            found = await syncs.get(db, sync.id)
        assert found is not None
        return found

    async def outcomes(self, sync: Sync) -> list[Outcome]:
        """Return the outcomes of single assignments and scores, without the summaries."""
        return [row for row in await self.list_outcomes(sync) if row.count is None]

    async def list_outcomes(self, sync: Sync) -> list[Outcome]:
        async with self.context.database.district(self.district.id) as db:
            return await outcomes.page(db, sync.id, limit=100_000)

    async def warnings(self, sync: Sync) -> dict[tuple[int, int | None], list[str]]:
        """Return (item id, uid or None) -> warnings, of the outcomes that have some."""
        rows = await self.outcomes(sync)
        return {_key(row): list(row.warnings) for row in rows if row.warnings}

    async def outcomes_by_cell(self, sync: Sync) -> dict[tuple[int, int | None], tuple[str, str | None]]:
        """Return (item id, uid or None) -> (result, reason) of a sync's outcomes."""
        return {_key(row): (str(row.result), row.reason) for row in await self.outcomes(sync)}

    async def ledger(self, room: Classroom | None = None) -> dict[str, LedgerAssignment]:
        async with self.context.database.district(self.district.id) as db:
            return await ledger.load(db, str((room or self.room).section.id))

    async def link(self, room: Classroom | None = None) -> links.SectionLink:
        async with self.context.database.district(self.district.id) as db:
            found = await links.get(db, str((room or self.room).section.id))
        assert found is not None
        return found

    def table(self, room: Classroom | None = None) -> dict[str, dict[int, str | None]]:
        """Return the SIS gradebook: name -> STUDENTS.DCID -> text."""
        return self.world.powerschool.gradebook.table((room or self.room).sis)

    def differences(self, room: Classroom | None = None) -> list[str]:
        return find_differences(self.world, room or self.room, self.choices)

    def forget_calls(self) -> None:
        """Empty both systems' logs."""
        self.world.powerschool.log.clear()
        self.world.schoology.log.clear()

    @property
    def writes(self) -> list[str]:
        """Return the kinds of the calls that may change the SIS, in order."""
        return [call.kind for call in self.world.powerschool.log.of(*WRITES)]

    @property
    def created(self) -> int:
        """Count the assignments created since the logs were emptied."""
        return sum(len(call.created) for call in self.world.powerschool.log.calls)

    async def change_policy(self, **policy: Any) -> None:
        """Change the district's policy."""
        await self.replace_district(replace(self.district, policy=replace(self.district.policy, **policy)))

    async def replace_district(self, district: District) -> None:
        """Replace the district by another of the same id."""
        self.district = district
        await register_district(self.context.database, district)


def _key(row: Outcome) -> tuple[int, int | None]:
    # Of a student whom no list shows, only the enrollment is known.
    student = row.student_id and row.student_id.removeprefix("enrollment:")
    return int(row.assignment_id), int(student) if student else None
