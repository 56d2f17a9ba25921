"""A district on stage: the engine on real servers, both systems on real sockets, and time that tests move.

Bounds are short, so that what a minute does in a district takes a moment here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import httpx
import pytest
import structlog
from arq.connections import ArqRedis
from redis.asyncio import Redis
from sqlalchemy import text

from gradesync import districtfile, pacing
from gradesync.bell import Bell, open_redis
from gradesync.connections import Connections
from gradesync.core.district import District
from gradesync.core.ledger import LedgerAssignment
from gradesync.core.plan import Result
from gradesync.core.sis import Policy
from gradesync.db import districts, ledger, links, outcomes, syncs
from gradesync.db.outcomes import Outcome
from gradesync.db.session import Database
from gradesync.db.syncs import Sync
from gradesync.egress import open_client
from gradesync.http import Backoff
from gradesync.sync.engine import Bounds, Engine
from gradesync.sync.request import Request, Wanted, request_sync
from gradesync.sync.sweep import sweep
from gradesync.sync.work import claim_of, perform
from gradesync_sandbox.district import Classroom, World
from gradesync_sandbox.district_file import district_toml
from gradesync_sandbox.faults import Change, Effect, Fault, Faults, Status, System
from gradesync_sandbox.powerschool.rows import AssignmentSection
from gradesync_sandbox.schoology.model import Item
from gradesync_sandbox.server import Sandbox
from oracle import Choices, differences

BOUNDS = Bounds(lease=1.5, call_timeout=1.0, slice=30, per_district=4)
SOON = Backoff(attempts=4, initial=0.01, longest=0.05, jitter=0.01)
TURNS = 12
"""How often a sync may go back to the queue before a test calls it overdue."""

_numbers = count(1)

NOW_IS_LATER = text("""
    UPDATE sync SET not_before = least(not_before, now()),
                    lease_until = least(lease_until, now() - interval '1 hour')
    WHERE status = 'processing'
""")
ROW_IS_SPOILT = text("UPDATE ledger SET spec = '{'")
ROWS_ARE_LOST = text("""
    UPDATE ledger SET ref_key = NULL, ref_value = NULL, spec = NULL, sent = NULL, owed = NULL,
                      doubtful = NULL, intent = NULL, problem = NULL, may_hold = false
    WHERE assignment_id = coalesce(:assignment, assignment_id)
""")
BOUND_IS_PAST = text("""
    UPDATE sync SET settles_by = now() - interval '1 second', lease_until = now() - interval '1 hour'
    WHERE status = 'processing'
""")


@dataclass
class Stage:
    """One district with its world, its faults and an engine of its own.

    `world` is changed as people would change it; `engine` may be replaced, as by a new process.
    """

    world: World
    sandbox: Sandbox
    district: District
    engine: Engine
    redis: ArqRedis
    client: httpx.AsyncClient
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

    # --- the class on stage

    @property
    def students(self) -> list[int]:
        """The uids of the class, in the order of their enrollment."""
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
        """A new assignment, in the category of the first one unless told otherwise, without scores."""
        first = self.items[0]
        usual = {"category": first.category, "due": first.due, "period": first.period}
        return self.world.schoology.add_assignment(self.room.section.id, title, points, **{**usual, **fields})

    def part(self, item: Item) -> AssignmentSection:
        """Where an assignment stands in the SIS, by its name and due date. Raises `StopIteration`."""
        gradebook, dcid = self.world.powerschool.gradebook, self.room.sis.dcid
        parts = (a.section(dcid) for a in gradebook.of_section(self.room.sis))
        due = item.due.date() if item.due else None
        return next(p for p in parts if p.name == item.title.strip() and due in (None, p.duedate))

    def held(self, item: Item, uid: int) -> str | None:
        """The text that the SIS shows for a student."""
        student = self.room.students[uid]
        score = self.world.powerschool.gradebook.scores[self.part(item).assignmentsectionid].get(student.dcid)
        return score.actualscoreentered if score else None

    def type_in_sis(self, item: Item, uid: int, points: Decimal | int | None) -> None:
        """Someone enters a score in PowerTeacher Pro."""
        typed = None if points is None else Decimal(points)
        self.world.powerschool.gradebook.edit_score(self.part(item), self.room.students[uid], typed)

    def delete_in_sis(self, item: Item) -> None:
        gradebook, part = self.world.powerschool.gradebook, self.part(item)
        gradebook.delete_assignment(gradebook.parts[part.assignmentsectionid][0].assignmentid)

    async def opt_out(self, item: Item, opted_out: bool = True) -> None:
        """Turn the assignment's switch."""
        async with self.engine.database.district(self.district.id) as db:
            await ledger.set_opted_out(db, self.section, str(item.id), opted_out)

    def scores_are_unreadable(self) -> None:
        """The plugin may not read the SIS's table of scores."""
        self.fault(
            "powerschool", "schema.assignmentscore", Status(403, '{"message":"No access"}'), times=None
        )

    # --- a sync, from the request to its end

    async def request(self, room: Classroom | None = None, asker: str | None = None, **wanted: Any) -> Sync:
        """Ask for a sync as the section's teacher."""
        room = room or self.room
        request = Request(
            district_id=self.district.id,
            section_id=str(room.section.id),
            asker_kind="teacher",
            asker_id=asker or str(room.teacher.uid),
            wanted=Wanted(**wanted),
            settles_after=900,
        )
        sync = await request_sync(self.engine, request)
        self.requested += 1
        return sync

    async def carry(self) -> None:
        """Work until nothing can be claimed now."""
        while claimed := await claim_of(self.engine, self.district.id):
            await perform(self.engine, *claimed)

    async def settled(self, sync: Sync) -> Sync:
        """Carry a sync to its end, letting time pass where it waits; past its bound the sweep ends it."""
        for _ in range(TURNS):
            await self.carry()
            found = await self.get(sync)
            if found.status != "processing":
                return found
            await self.time_passes()
        await self.bound_passes()
        return await self.get(sync)

    async def sync(self, room: Classroom | None = None, **wanted: Any) -> Sync:
        """One whole sync."""
        return await self.settled(await self.request(room, **wanted))

    async def time_passes(self) -> None:
        """Whatever waits has waited: queued syncs, lapsed leases, pauses and open circuits."""
        async with self.engine.database.district(self.district.id) as db:
            await db.execute(NOW_IS_LATER)
        await forget_pauses(self.redis)

    async def trouble_ends(self) -> None:
        """Nothing goes wrong any more, and what was late has come: within a call's timeout, as is assumed."""
        self.faults.clear()
        await self.faults.until_none_is_late()
        await self.time_passes()

    async def forget_categories(self) -> None:
        """The SIS's category list was read long ago."""
        async with self.engine.database.district(self.district.id) as db:
            await db.execute(text("UPDATE section_link SET categories_read_at = NULL"))

    async def lose_lease(self) -> None:
        """The leases of the district's syncs have lapsed, and their time of grace is over."""
        async with self.engine.database.district(self.district.id) as db:
            await db.execute(NOW_IS_LATER)

    async def landed(self, assignments: int) -> None:
        """Wait until the SIS section holds so many assignments."""
        while len(self.world.powerschool.gradebook.of_section(self.room.sis)) < assignments:
            await asyncio.sleep(0)

    async def landed_rows(self, rows: int) -> None:
        """Wait until so many score rows have come to the SIS."""
        while len(self.world.powerschool.log.score_rows()) < rows:
            await asyncio.sleep(0)

    async def lose_ledger(self, item: Item | None = None) -> None:
        """Rows of the ledger are lost: those of one assignment, or all."""
        async with self.engine.database.district(self.district.id) as db:
            await db.execute(ROWS_ARE_LOST, {"assignment": item and str(item.id)})

    async def spoil_ledger(self) -> None:
        """A row of the ledger holds what nobody can read."""
        async with self.engine.database.district(self.district.id) as db:
            await db.execute(ROW_IS_SPOILT)

    async def bound_passes(self) -> None:
        """The time by which the district's syncs settle goes by, and the sweep comes round."""
        async with self.engine.database.district(self.district.id) as db:
            await db.execute(BOUND_IS_PAST)
        await sweep(self.engine)

    async def restart(self) -> None:
        """Go on as a new process, which remembers nothing."""
        self.engine = _engine(self.engine.database, self.client, self.redis, self.engine.bounds)

    # --- what there is now

    async def get(self, sync: Sync) -> Sync:
        async with self.engine.database.district(self.district.id) as db:
            found = await syncs.get(db, sync.id)
        assert found is not None
        return found

    async def outcomes(self, sync: Sync) -> list[Outcome]:
        async with self.engine.database.district(self.district.id) as db:
            return await outcomes.page(db, sync.id, limit=100_000)

    async def warnings(self, sync: Sync) -> dict[tuple[int, int | None], list[str]]:
        """(item id, uid or None) -> warnings, of the outcomes that carry some."""
        rows = await self.outcomes(sync)
        return {_key(row): list(row.warnings) for row in rows if row.warnings}

    async def told(self, sync: Sync) -> dict[tuple[int, int | None], tuple[str, str | None]]:
        """(item id, uid or None) -> (result, reason): the outcomes of a sync at a glance."""
        return {_key(row): (str(row.result), row.reason) for row in await self.outcomes(sync)}

    async def ledger(self, room: Classroom | None = None) -> dict[str, LedgerAssignment]:
        async with self.engine.database.district(self.district.id) as db:
            return await ledger.load(db, str((room or self.room).section.id))

    async def link(self, room: Classroom | None = None) -> links.SectionLink:
        async with self.engine.database.district(self.district.id) as db:
            found = await links.get(db, str((room or self.room).section.id))
        assert found is not None
        return found

    def table(self, room: Classroom | None = None) -> dict[str, dict[int, str | None]]:
        """The SIS gradebook: name -> STUDENTS.DCID -> text."""
        return self.world.powerschool.gradebook.table((room or self.room).sis)

    def differences(self, room: Classroom | None = None) -> list[str]:
        return differences(self.world, room or self.room, self.choices)

    def forget_calls(self) -> None:
        """Empty both systems' logs."""
        self.world.powerschool.log.clear()
        self.world.schoology.log.clear()

    @property
    def writes(self) -> list[str]:
        """The kinds of the calls that may change the SIS, as they came."""
        kinds = ("assignment.create", "assignment.update", "assignment.delete", "score.write")
        return [call.kind for call in self.world.powerschool.log.of(*kinds)]

    @property
    def created(self) -> int:
        """How many assignments were created since the logs were emptied."""
        return sum(len(call.created) for call in self.world.powerschool.log.calls)

    async def choose(self, **policy: Any) -> None:
        """The district changes its policy."""
        self.district = replace(self.district, policy=replace(self.district.policy, **policy))
        async with self.engine.database.district(self.district.id) as db:
            await districts.apply(db, self.district)


def _key(row: Outcome) -> tuple[int, int | None]:
    return int(row.assignment_id), int(row.student_id) if row.student_id else None


async def untrue(stage: Stage, sync: Sync) -> list[str]:
    """Everything in which a settled sync does not tell the truth about itself and the SIS, as sentences."""
    found = []
    if sync.status == "processing" or sync.finished_at is None or sync.stage != "settled":
        found.append(f"it has not ended: {sync.status}, {sync.stage}")
    rows = await stage.outcomes(sync)
    overdue = sync.error_code == "timed-out"
    found += _miscounted("assignments", sync.assignments, [r for r in rows if not r.student_id], overdue)
    found += _miscounted("scores", sync.scores, [r for r in rows if r.student_id], overdue)
    failed = sync.error_code is not None or any(row.result is Result.FAILED for row in rows)
    if (sync.status == "failed") != failed:
        found.append(f"it is {sync.status}, yet its outcomes say otherwise")
    if not sync.dry_run:
        keys = await _sis_keys(stage, sync)
        found += [line for row in rows if (line := _false_claim(stage, keys, row))]
    return found


def _miscounted(what: str, counts: Mapping[str, int], rows: list[Outcome], overdue: bool) -> Iterable[str]:
    """An overdue sync counts what it did not get to as failed, without an outcome for each."""
    results = {str(result): sum(row.result is result for row in rows) for result in Result}
    told = {name: number for name, number in counts.items() if name not in {"read", "unchanged"}}
    for name, number in told.items():
        if number != results[name] and not (overdue and name == "failed"):
            yield f"it counts {number} {what} {name} and has {results[name]} outcomes"
    total = sum(number for name, number in counts.items() if name != "read")
    if total != counts.get("read", 0):
        yield f"its {what} add up to {total} of {counts['read']} read"


async def _sis_keys(stage: Stage, sync: Sync) -> dict[str, int]:
    """Assignment id -> ASSIGNMENTID that the ledger says it has."""
    async with stage.engine.database.district(stage.district.id) as db:
        entries = await ledger.load(db, sync.section_id)
    return {key: int(entry.ref.key) for key, entry in entries.items() if entry.ref}


def _false_claim(stage: Stage, keys: dict[str, int], row: Outcome) -> str | None:
    """A claim that something stands in the SIS which does not stand there."""
    claims = {
        Result.WRITTEN,
        Result.CLEARED,
        Result.ADOPTED,
        Result.CREATED,
        Result.RECREATED,
        Result.UPDATED,
    }
    if row.result not in claims:
        return None
    gradebook = stage.world.powerschool.gradebook
    assignment = gradebook.assignments.get(keys.get(row.assignment_id, 0))
    if assignment is None:
        return f"{row.assignment_id} is said to be {row.result} and does not stand in the SIS"
    if not row.student_id:
        return None
    room = next(r for r in stage.world.classrooms if int(row.assignment_id) in r.section.items)
    scores = gradebook.scores[assignment.section(room.sis.dcid).assignmentsectionid]
    score = scores.get(room.students[int(row.student_id)].dcid)
    held = score.scorepoints if score else None
    said = row.after.points if isinstance(row.after, tuple) else row.after
    if held != said:
        return (
            f"{row.student_id} of {row.assignment_id} is said to be {row.result} as {said}; SIS holds {held}"
        )
    return None


async def forget_pauses(redis: Redis) -> None:
    """Pauses, open circuits and counted failures are over; budgets stay."""
    for name in ("pause", "failures", "open"):
        keys = [key async for key in redis.scan_iter(f"{pacing.PREFIX}*:{name}")]
        if keys:
            await redis.delete(*keys)


def _engine(database: Database, client: httpx.AsyncClient, redis: ArqRedis, bounds: Bounds) -> Engine:
    def clock() -> datetime:
        return datetime.now(UTC)

    return Engine(
        database=database,
        systems=Connections(client, redis, clock, bounds.call_timeout, 500, backoff=SOON),
        bell=Bell(redis, most=8),
        clock=clock,
        bounds=bounds,
    )


@dataclass
class Seen:
    """What all stages of a theatre saw: faults that struck, and syncs that were asked for."""

    faults: int = 0
    syncs: int = 0


@dataclass(frozen=True)
class Theatre:
    """What many stages share: the servers, one HTTP client, one Redis connection."""

    database: Database
    redis: ArqRedis
    client: httpx.AsyncClient
    seen: Seen = field(default_factory=Seen)

    @asynccontextmanager
    async def stage(
        self, world: World, *, bounds: Bounds = BOUNDS, policy: Policy | None = None
    ) -> AsyncIterator[Stage]:
        """Serve a world and make its district known."""
        async with Sandbox(world) as sandbox:
            name = f"district-{next(_numbers)}"
            told = districtfile.parse(district_toml(sandbox, name), allow_http=True)
            district = replace(told, lti=None, lti11=None)  # one installation may be of one district only
            if policy is not None:
                district = replace(district, policy=policy)
            async with self.database.district(name) as db:
                await districts.apply(db, district)
            engine = _engine(self.database, self.client, self.redis, bounds)
            stage = Stage(world, sandbox, district, engine, self.redis, self.client)
            try:
                yield stage
            finally:
                self.seen.faults += len(stage.faults.struck)
                self.seen.syncs += stage.requested


@asynccontextmanager
async def open_theatre(database: Database, redis_url: str) -> AsyncIterator[Theatre]:
    async with AsyncExitStack() as stack:
        redis = open_redis(redis_url)
        stack.push_async_callback(redis.aclose)
        await redis.set(pacing.BORN, 0)  # no budget was lost, so nobody waits a window first
        client = await stack.enter_async_context(open_client(allow_private_network=True, connections=400))
        yield Theatre(database, redis, client)


@pytest.fixture
async def theatre(database: Database, redis_url: str) -> AsyncIterator[Theatre]:
    """The theatre, with the engine's log kept quiet: hundreds of faults are told in it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    async with open_theatre(database, redis_url) as opened:
        yield opened
    structlog.reset_defaults()
