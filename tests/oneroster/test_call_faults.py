"""Let each kind of call fail in each way: no claim is false, nothing is made twice, a next try makes it good.

All of it runs in this process, on the server that has every kind of call.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

import gradesync.oneroster
from gradesync.core.district import District
from gradesync.core.sis import Ref, SisSection, Spec
from gradesync.core.writes import ScoreRow, ScoreWrite
from gradesync.errors import AnswerLost, Rejected, Retriable, SyncStopped
from gradesync.oneroster.connection import OneRoster
from gradesync.oneroster.target import OneRosterTarget
from gradesync.upstream.client import Backoff
from gradesync_sandbox.faults import Body, Effect, Fault, Faults, LoseAfter, RefuseBefore, Status, Truncate
from gradesync_sandbox.faulty import with_faults
from gradesync_sandbox.oneroster import state
from gradesync_sandbox.oneroster.app import create_app
from gradesync_sandbox.oneroster.kinds import kind_of
from gradesync_sandbox.server import Sandbox
from gradesync_sandbox.world import build
from harness.known_districts import district_of
from harness.powerschool_target import Unbounded

EFFECTS: dict[str, Effect] = {
    "refused before": RefuseBefore(),
    "lost after": LoseAfter(),
    **{str(status): Status(status, "{}") for status in (400, 401, 403, 404, 405, 409, 412, 422, 500)},
    "429": Status(429, "{}", {"retry-after": "0"}),
    "503": Status(503, "", {"retry-after": "0"}),
    "cut short": Truncate(keep=20),
    "too short": Truncate(keep=20, honest=True),
    "a page": Body("<html>Sign in</html>", done=False),
    "a redirect": Status(302, headers={"location": "/sign-in"}),
}
CALLED = re.compile(r'"((?!gradebook)[a-zA-Z]+\.(?:get|list|put|post|delete))"')
DECLARED = (Retriable, SyncStopped, AnswerLost, Rejected)
NO_WAIT = Backoff(attempts=3, initial=0, longest=0, jitter=0)


@dataclass
class Rig:
    """Hold a class of one line item, on a SIS whose calls fail on order. `number` counts the tries."""

    face: state.OneRoster
    district: District
    transport: httpx.ASGITransport
    faults: Faults = field(default_factory=Faults)
    number: int = 0

    def target(self) -> OneRosterTarget:
        """Return a target as a new process has it."""

        def clock() -> datetime:
            return datetime.now(UTC)

        opened = OneRoster.open(
            self.district.sis, self.transport, Unbounded(), timeout=5, backoff=NO_WAIT, clock=clock
        )
        until = clock() + timedelta(seconds=30)
        return opened.open_target(self.district, permit=None, until=until, rows_per_write=9)

    @property
    def class_id(self) -> str:
        return str(next(iter(self.face.sis.sections)))

    async def section(self) -> SisSection:
        return await self.target().resolve_section(self.class_id)

    def count_items(self) -> int:
        return len(self.face.sis.gradebook.assignments)

    def held(self, ref: Ref) -> dict[str, Decimal | None]:
        found = self.face.find_line_item(ref.key)
        assert found is not None
        scores = self.face.sis.gradebook.scores[found.sections[0].assignmentsectionid]
        return {str(dcid): score.scorepoints for dcid, score in scores.items()}


@asynccontextmanager
async def open_rig() -> AsyncIterator[Rig]:
    world = build(7, 1, 3, 1, ideal=True)
    face = state.open_face(world.powerschool, "eschoolplus", "1.2")
    face.switches.echo = True
    sandbox, faults = Sandbox(world, oneroster=face), Faults()
    district = district_of(sandbox)
    for served in sandbox.served:
        served.listener.close()
    transport = httpx.ASGITransport(with_faults(create_app(face), "oneroster", faults, kind_of))
    async with transport:
        yield Rig(face, district, transport, faults)


Work = Callable[[Rig, SisSection, Ref], Awaitable[object]]


async def create(rig: Rig, section: SisSection, ref: Ref) -> object:
    """Create a line item: it is there once, or certainly not, or nobody claims to know."""
    (category, *_) = await rig.target().categories(section)
    spec = Spec(f"Essay {rig.number}", Decimal(9), section.term_last, category.ref)
    before = rig.count_items()
    try:
        new = await rig.target().create_assignment(section, spec, f"i{rig.number}")
    except Rejected:
        assert rig.count_items() == before
        raise
    assert new.ref is not None
    assert rig.face.find_line_item(new.ref.key) is not None
    return new


async def update(rig: Rig, section: SisSection, ref: Ref) -> object:
    (live,) = [one for one in await rig.target().assignments(section) if one.ref == ref]
    assert live.spec is not None
    spec = live.spec._replace(points=Decimal(20 + rig.number))
    await rig.target().update_assignment(section, ref, spec, rescore=False)
    found = rig.face.find_line_item(ref.key)
    assert found is not None
    assert found.sections[0].scoreentrypoints == spec.points
    return None


def write(change: Callable[[int, int], Decimal | None]) -> Work:
    """Return work that writes scores: `change` gives those of a try, by the place of the student."""

    async def work(rig: Rig, section: SisSection, ref: Ref) -> object:
        students = sorted(await rig.target().roster(section) or ())
        before = rig.held(ref)
        wanted = {student: change(rig.number, place) for place, student in enumerate(students)}
        rows = [
            ScoreRow("a", ref, ScoreWrite(f"u{student}", student, value, before.get(student)))
            for student, value in wanted.items()
        ]
        result = await rig.target().write_scores(section, rows)
        held, unsure = rig.held(ref), {*result.refused, *result.lost, *result.unsent, *result.doubtful}
        if result.accepted:
            claimed = {student for student in students if (ref.key, student) not in unsure}
            assert {one: held.get(one) for one in claimed} == {one: wanted[one] for one in claimed}
            for pair in result.refused.keys() - result.lost:
                assert held.get(pair[1]) == before.get(pair[1])
            if unsure or result.stopped:
                raise result.stopped or AnswerLost("some of the scores")
            return None
        assert held == before
        raise Rejected(result.reason or "", result.detail)

    return work


def read(
    look: Callable[[OneRosterTarget, SisSection, Ref], Awaitable[object]], *, may_lack: bool = False
) -> Work:
    """Return work that reads: what it shows under a fault is what it shows without, or that it `may_lack`."""

    async def work(rig: Rig, section: SisSection, ref: Ref) -> object:
        rules, rig.faults.rules = rig.faults.rules, []
        whole = await look(rig.target(), section, ref)
        rig.faults.rules = rules
        shown = await look(rig.target(), section, ref)
        assert shown == whole or (may_lack and shown is None)
        return shown

    return work


def by_number(number: int, place: int) -> Decimal:
    return Decimal(number + place + 1)


def clear_or_grade(number: int, place: int) -> Decimal | None:
    return None if place == 0 else by_number(number, place)


change = write(by_number)
resolve = read(lambda target, section, _: target.resolve_section(section.ref.key))
# Kind of call -> what makes it.
WORK: dict[str, Work] = {
    "token": resolve,
    "class.get": resolve,
    "term.get": resolve,
    "gradingPeriod.list": resolve,
    "category.list": read(lambda target, section, _: target.categories(section)),
    "student.list": read(lambda target, section, _: target.roster(section), may_lack=True),
    "lineItem.list": read(lambda target, section, _: target.assignments(section)),
    "result.list": read(lambda target, section, ref: target.scores(section, ref)),
    "lineItem.get": update,
    "lineItem.put": create,
    "result.get": change,
    "result.put": change,
    "result.post": change,
    "result.delete": write(clear_or_grade),
}


async def prepare(rig: Rig, kind: str, section: SisSection, ref: Ref) -> None:
    """Let the class have no scores where they are to be posted, else one of each student."""
    if kind == "result.post":
        found = rig.face.find_line_item(ref.key)
        assert found is not None
        rig.face.sis.gradebook.scores[found.sections[0].assignmentsectionid].clear()
    elif kind.startswith("result."):
        await write(lambda number, place: Decimal(50 + number + place))(rig, section, ref)
    if kind == "result.get":  # asked where the answer to a write is lost
        rig.faults.add(Fault("oneroster", "result.put", LoseAfter()))


@pytest.mark.sample(5)
@pytest.mark.parametrize("kind", WORK)
async def test_each_failure_of_each_call_is_made_good(kind: str) -> None:
    async with open_rig() as rig:
        section = await rig.section()
        new: Any = await create(rig, section, Ref(""))
        for rig.number, (name, effect) in enumerate(EFFECTS.items(), 1):
            await prepare(rig, kind, section, new.ref)
            rig.faults.add(Fault("oneroster", kind, effect))
            with suppress(*DECLARED):
                await WORK[kind](rig, section, new.ref)
            assert (kind, effect) in [(one.kind, one.effect) for one in rig.faults.struck], name
            rig.faults.clear()
            await WORK[kind](rig, section, new.ref)
        assert rig.count_items() == (1 + len(EFFECTS) if kind == "lineItem.put" else 1)


def test_every_call_of_the_adapter_is_let_fail() -> None:
    sources = Path(gradesync.oneroster.__file__).parent.glob("*.py")
    called = {kind for source in sources for kind in CALLED.findall(source.read_text())}
    assert called == WORK.keys() - {"token"}
