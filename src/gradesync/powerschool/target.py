"""PowerTeacher Pro as a target of grade sync, over the plugin API `/ws/xte` (contract section 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from gradesync.core.gradebook import EXCUSED, MISSING
from gradesync.core.ports import BatchAnswer, Finding, NewAssignment, ScoreRow
from gradesync.core.reasons import Reason
from gradesync.core.sis import Capabilities, LiveAssignment, LiveScores, Ref, SisCategory, SisSection, Spec
from gradesync.errors import AnswerLost, Rejected, SyncStopped
from gradesync.powerschool import lookups, scores
from gradesync.powerschool.calls import Calls, Closed, stop_for_refusal
from gradesync.powerschool.check import check
from gradesync.powerschool.refusals import Refusal, assignment_fault, in_short, refusal, stop_for_permission
from gradesync.powerschool.wire import (
    Object,
    Unintelligible,
    categories,
    changed_assignment,
    decode,
    decode_list,
    has_points,
    is_shared,
    live_assignment,
    new_assignment,
    new_ref,
    part_of,
)
from gradesync.upstream.response import Answer

CAPABILITIES = Capabilities(
    name_max=50,
    points_max=Decimal(9999),
    score_places=6,
    score_max=Decimal("999999999999.999999"),
    has_counts=True,
    exception_flags=frozenset({EXCUSED, MISSING}),
    rows_per_write=500,
    reads_scores=True,
)
"""Columns N(18,6) and VARCHAR2(50), and the 9,999 points of PowerTeacher Pro (3.1, 3.3)."""

ASSIGNMENTS = "/ws/xte/section/assignment/"


@dataclass(frozen=True, slots=True)
class PowerSchoolTarget:
    """One district's PowerSchool, for one holder of a lease.

    `student_id` says which column of STUDENTS the district's match names. `clearing` is how a score is
    cleared, a guess.
    """

    calls: Calls
    student_id: str = "dcid"
    clearing: scores.Clearing = "nulls"
    capabilities: Capabilities = field(default=CAPABILITIES)

    def is_complete(self, ref: Ref) -> bool:
        """Whether scores can be written to a ref: a create may tell only half of it."""
        return "assignmentsectionid" in ref.value

    async def resolve_section(self, key: str, teacher: str | None = None) -> SisSection:
        section = await lookups.resolve_section(self.calls, key, teacher)
        await self.calls.plugin_id()
        return section

    async def resolve_students(self, section: SisSection, keys: Sequence[str]) -> Mapping[str, str]:
        if self.student_id == "dcid":
            return {key: key for key in keys}
        try:
            return await lookups.student_keys(self.calls, self.student_id, keys)
        except Closed as closed:
            stop_for_permission(closed.no, "students")
            raise SyncStopped(Reason.SIS_UNREADABLE, "PowerSchool does not show its students") from closed

    async def categories(self, section: SisSection) -> tuple[SisCategory, ...]:
        value = section.ref.value
        params = {"users_dcid": str(value["users_dcid"]), "year_id": str(value["year_id"])}
        answer = await self.calls.read("teacher_category", "/ws/xte/teacher_category", params)
        return categories(_listed(answer, "teacher_category"))

    async def assignments(self, section: SisSection) -> tuple[LiveAssignment, ...]:
        params = {**_acting(section), "section_ids": section.ref.key}
        answer = await self.calls.read("assignment.list", ASSIGNMENTS, params)
        entries = _listed(answer, "assignment.list")
        made_by_plugins = any(isinstance(entry, Mapping) and "createdbyplugin" in entry for entry in entries)
        plugin_id = await self.calls.plugin_id() if made_by_plugins else None
        found = (live_assignment(entry, section.ref.key, plugin_id) for entry in entries)
        return tuple(live for live in found if live is not None)

    async def assignment(self, section: SisSection, ref: Ref) -> LiveAssignment | None:
        entry = await self._read(section, ref)
        if entry is None:
            return None
        return live_assignment(entry, section.ref.key, await self.calls.plugin_id())

    async def roster(self, section: SisSection) -> frozenset[str] | None:
        return await lookups.roster(self.calls, section)

    async def scores(self, section: SisSection, ref: Ref) -> LiveScores | None:
        return await scores.read_scores(self.calls, ref)

    async def create_assignment(self, section: SisSection, spec: Spec) -> NewAssignment:
        answer = await self.calls.send(
            "assignment.create",
            "POST",
            ASSIGNMENTS,
            _acting(section),
            body=new_assignment(section.ref.key, spec),
            repeatable=False,
        )
        if answer.status < 300:
            return NewAssignment(_created(answer))
        no = refusal(answer)
        if no.not_taught:
            stop_for_refusal(no, "assignment.create")
        raise _rejected(no, spec, "assignment.create")

    async def update_assignment(self, section: SisSection, ref: Ref, spec: Spec, *, rescore: bool) -> None:
        entry = await self._read_to_change(section, ref)
        part = None if entry is None else part_of(entry, section.ref.key)
        if entry is None or part is None:
            raise Rejected(Reason.ASSIGNMENT_GONE)
        if is_shared(entry, section.ref.key):
            raise Rejected(Reason.SIS_ASSIGNMENT_SHARED)
        changed = _changed(entry, section, spec)
        if changed == entry:
            return
        params = _acting(section)
        if rescore or not has_points(part, spec.points):
            params["update_scores"] = "true" if rescore else "false"
        path = f"{ASSIGNMENTS}{ref.key}"
        answer = await self.calls.send(
            "assignment.update", "PUT", path, params, body=changed, repeatable=False
        )
        if answer.status >= 300:
            raise _update_rejected(refusal(answer), spec)
        _check_empty_or_json(answer)

    async def write_scores(self, section: SisSection, rows: Sequence[ScoreRow]) -> BatchAnswer:
        return await scores.write_scores(self.calls, section, rows, self.clearing)

    async def check(self) -> tuple[Finding, ...]:
        return await check(self.calls)

    async def _read_to_change(self, section: SisSection, ref: Ref) -> Object | None:
        """The same; an answer that makes no sense concerns this assignment alone."""
        try:
            return await self._read(section, ref)
        except SyncStopped as stopped:
            if stopped.reason != Reason.SIS_UNREADABLE:
                raise
            raise Rejected(stopped.reason, stopped.detail) from stopped

    async def _read(self, section: SisSection, ref: Ref) -> Object | None:
        """One assignment as an object (4); None where PowerSchool says that there is none."""
        path = f"{ASSIGNMENTS}{ref.key}"
        answer = await self.calls.send("assignment.get", "GET", path, _acting(section))
        if answer.status != 200:
            no = refusal(answer)
            if no.gone:
                return None
            stop_for_permission(no, "assignment.get")
            raise SyncStopped(
                Reason.SIS_UNREADABLE, f"PowerSchool answered {answer.status} to assignment.get"
            )
        return _one(answer)


def _acting(section: SisSection) -> dict[str, str]:
    return {"users_dcid": str(section.ref.value["users_dcid"])}


def _listed(answer: Answer, kind: str) -> list[object]:
    try:
        return decode_list(answer.body)
    except Unintelligible as error:
        raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool's {kind} is not a list") from error


def _one(answer: Answer) -> Object:
    """An object, or the only one of an array (4)."""
    try:
        content = decode(answer.body)
    except Unintelligible:
        content = None
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, Mapping) or "assignmentid" not in content:
        raise SyncStopped(Reason.SIS_UNREADABLE, "PowerSchool's assignment.get is not an assignment")
    return content


def _changed(entry: Object, section: SisSection, spec: Spec) -> dict[str, object]:
    try:
        return changed_assignment(entry, section.ref.key, spec)
    except Unintelligible as error:
        raise Rejected(Reason.SIS_UNREADABLE, "PowerSchool's assignment.get makes no sense") from error


def _created(answer: Answer) -> Ref | None:
    """The ids of a create: `Location` names the assignment, a header its sections where it is sent (4.1)."""
    path = answer.headers.get("location", "").partition("?")[0].rstrip("/")
    assignmentid = path.rpartition("/")[2]
    if not (assignmentid.isascii() and assignmentid.isdecimal()):
        if answer.status != 201:
            raise AnswerLost(f"PowerSchool answered {answer.status} to a create, without an id")
        _check_empty_or_json(answer)
        return None
    return new_ref(assignmentid, _only_section(answer.headers.get("assignmentsectionids", "")))


def _only_section(header: str) -> str | None:
    try:
        found = decode(header.encode())
    except Unintelligible:
        return None
    alone = found[0] if isinstance(found, list) and len(found) == 1 else None
    return str(alone) if isinstance(alone, int) and not isinstance(alone, bool) else None


def _check_empty_or_json(answer: Answer) -> None:
    """Raises `AnswerLost` for a write whose 2xx came from something else, such as a page to log in."""
    if not answer.body.strip():
        return
    try:
        decode(answer.body)
    except Unintelligible as error:
        raise AnswerLost("PowerSchool's answer to a write makes no sense") from error


def _rejected(no: Refusal, spec: Spec, kind: str) -> Rejected:
    """The reason for which one assignment is refused. Raises `SyncStopped` where none would be taken."""
    stop_for_permission(no, kind)
    if no.status in (404, 405):
        raise SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, f"PowerSchool answered {no.status} to {kind}")
    return Rejected(assignment_fault(no, spec.name), in_short(no, spec.name))


def _update_rejected(no: Refusal, spec: Spec) -> Rejected:
    if no.gone:
        return Rejected(Reason.ASSIGNMENT_GONE)
    if no.not_taught:
        return Rejected(
            Reason.TEACHER_NOT_IN_SIS_SECTION, "PowerSchool says that the teacher does not teach it"
        )
    return _rejected(no, spec, "assignment.update")


def with_batches(capabilities: Capabilities, rows: int) -> Capabilities:
    """The capabilities with another size of batch."""
    return replace(capabilities, rows_per_write=rows)
