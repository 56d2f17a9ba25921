"""Write to PowerTeacher Pro over the plugin API `/ws/xte` (upstream.md PowerSchool §4)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from zoneinfo import ZoneInfo

from gradesync.core.gradebook import EXCUSED, MISSING
from gradesync.core.ports import BatchResult, Finding, NewAssignment
from gradesync.core.reasons import Reason
from gradesync.core.sis import (
    Capabilities,
    LiveAssignment,
    LiveScores,
    Ref,
    SisCategory,
    SisSection,
    Spec,
    normalize_number,
)
from gradesync.core.writes import ScoreRow
from gradesync.errors import AnswerLost, Rejected, Retriable, SyncStopped
from gradesync.powerschool import lookups, scores
from gradesync.powerschool.calls import Calls, ReadRefused
from gradesync.powerschool.check import check_connection
from gradesync.powerschool.refusal_texts import classify_assignment_refusal, summarize
from gradesync.powerschool.refusals import Refusal, read_refusal, stop_for_access, stop_for_permission
from gradesync.powerschool.wire import (
    Object,
    build_assignment,
    change_assignment,
    decode_list,
    find_part,
    has_points,
    is_shared,
    make_ref,
    read_assignment,
    read_categories,
)
from gradesync.upstream.response import MalformedError, UpstreamResponse, decode

# Columns N(18,6) and VARCHAR2(50) (upstream.md PowerSchool §3.1), and the 9,999 points of PowerTeacher Pro
# (upstream.md PowerSchool §3.3).
CAPABILITIES = Capabilities(
    name_max=50,
    points_max=Decimal(9999),
    score_decimals=6,
    score_max=Decimal("999999999999.999999"),
    has_counts=True,
    exception_flags=frozenset({EXCUSED, MISSING}),
    rows_per_write=500,
    reads_scores=True,
    numbers=True,
    ignores_case=True,
)

ASSIGNMENTS = "/ws/xte/section/assignment/"
READS = 2  # of an assignment that answers 500 and is in the table


@dataclass(frozen=True, slots=True)
class PowerSchoolTarget:
    """Write to one district's PowerSchool, for one holder of a lease. Fits `Target`.

    `student_id` is the column of STUDENTS that the district's match names. `clearing` is the way a score is
    cleared, a guess. `timezone` is the district's: who teaches today is asked by its date. `marks`: the
    district sends PowerSchool's own marks, so they are read back with the scores.
    """

    calls: Calls
    student_id: str = "dcid"
    clearing: scores.Clearing = "nulls"
    timezone: str = "UTC"
    marks: bool = False
    capabilities: Capabilities = field(default=CAPABILITIES)

    def is_complete(self, ref: Ref) -> bool:
        """Return True where scores can be written to a ref: a create may return only half of it."""
        return "assignmentsectionid" in ref.value

    async def resolve_section(
        self, key: str, teacher: str | None = None, *, known: SisSection | None = None, term: bool = True
    ) -> SisSection:
        today = self.calls.upstream.clock().astimezone(ZoneInfo(self.timezone)).date()
        section = await lookups.resolve_section(self.calls, key, teacher, today=today, known=known, term=term)
        await self.calls.find_plugin_id()
        return section

    async def resolve_students(self, section: SisSection, keys: Sequence[str]) -> Mapping[str, str]:
        if self.student_id == "dcid":
            return {key: number for key in keys if (number := normalize_number(key)) is not None}
        try:
            return await lookups.find_students(self.calls, self.student_id, keys)
        except ReadRefused as refused:
            stop_for_permission(refused.refusal, "students")
            raise SyncStopped(Reason.SIS_UNREADABLE, "PowerSchool does not show its students") from refused

    async def categories(self, section: SisSection) -> tuple[SisCategory, ...]:
        value = section.ref.value
        params = {"users_dcid": str(value["users_dcid"]), "year_id": str(value["year_id"])}
        response = await self.calls.read("teacher_category", "/ws/xte/teacher_category", params)
        return read_categories(_decode_list(response, "teacher_category"))

    async def assignments(self, section: SisSection) -> tuple[LiveAssignment, ...]:
        params = {**_teacher_params(section), "section_ids": section.ref.key}
        response = await self.calls.read("assignment.list", ASSIGNMENTS, params)
        entries = _decode_list(response, "assignment.list")
        made_by_plugins = any(isinstance(entry, Mapping) and "createdbyplugin" in entry for entry in entries)
        plugin_id = await self.calls.find_plugin_id() if made_by_plugins else None
        listed = (read_assignment(entry, section.ref.key, plugin_id) for entry in entries)
        return tuple(live for live in listed if live is not None)

    async def assignment(self, section: SisSection, ref: Ref) -> LiveAssignment | None:
        entry = await self._read(section, ref)
        if entry is None:
            return None
        return read_assignment(entry, section.ref.key, await self.calls.find_plugin_id())

    async def roster(self, section: SisSection) -> frozenset[str] | None:
        return await lookups.read_roster(self.calls, section)

    async def scores(self, section: SisSection, ref: Ref) -> LiveScores | None:
        return await scores.read_scores(self.calls, ref, marks=self.marks)

    async def create_assignment(
        self, section: SisSection, spec: Spec, item: str, held: Collection[str] = ()
    ) -> NewAssignment:
        response = await self.calls.send(
            "assignment.create",
            "POST",
            ASSIGNMENTS,
            _teacher_params(section),
            body=build_assignment(section.ref.key, spec),
            repeatable=False,
        )
        if response.status < 300:
            return NewAssignment(_read_created_ref(response))
        raise reject(read_refusal(response, spec.name), "assignment.create")

    async def update_assignment(self, section: SisSection, ref: Ref, spec: Spec, *, rescore: bool) -> None:
        entry = await self._read_to_change(section, ref)
        part = None if entry is None else find_part(entry, section.ref.key)
        if entry is None or part is None:
            raise Rejected(Reason.ASSIGNMENT_GONE)
        if is_shared(entry, section.ref.key):
            raise Rejected(Reason.SIS_ASSIGNMENT_SHARED)
        changed = _change_entry(entry, section, spec)
        if changed == entry:
            return
        params = _teacher_params(section)
        if rescore or not has_points(part, spec.points):
            params["update_scores"] = "true" if rescore else "false"
        path = f"{ASSIGNMENTS}{ref.key}"
        response = await self.calls.send(
            "assignment.update", "PUT", path, params, body=changed, repeatable=False
        )
        if response.status >= 300:
            raise reject_update(read_refusal(response, spec.name))
        _check_empty_or_json(response)

    async def write_scores(self, section: SisSection, rows: Sequence[ScoreRow]) -> BatchResult:
        return await scores.write_scores(self.calls, section, rows, self.clearing)

    async def check(self) -> tuple[Finding, ...]:
        return await check_connection(self.calls)

    async def _read_to_change(self, section: SisSection, ref: Ref) -> Object | None:
        """Read one assignment; a response that makes no sense rejects this assignment alone."""
        try:
            return await self._read(section, ref)
        except SyncStopped as stopped:
            if stopped.reason != Reason.SIS_UNREADABLE:
                raise
            raise Rejected(stopped.reason, stopped.detail) from stopped

    async def _read(self, section: SisSection, ref: Ref) -> Object | None:
        """Read one assignment as an object; None where PowerSchool has none."""
        for _ in range(READS):
            path = f"{ASSIGNMENTS}{ref.key}"
            response = await self.calls.send("assignment.get", "GET", path, _teacher_params(section))
            if response.status == 200:
                return _decode_assignment(response)
            refusal = read_refusal(response)
            if refusal.is_missing:
                return None
            stop_for_access(refusal, "assignment.get")
            if response.status != 500:
                raise SyncStopped(
                    Reason.SIS_UNREADABLE, f"PowerSchool answered {response.status} to assignment.get"
                )
            if not await self._is_in_table(ref):
                return None
        raise Retriable("PowerSchool answered 500 to assignment.get")

    async def _is_in_table(self, ref: Ref) -> bool:
        """Return True where ASSIGNMENTSECTION has an assignment: one that answers 500 may still be there.

        Raises `SyncStopped("sis-unreadable")` where the plugin may not read it.
        """
        complete = self.is_complete(ref)
        column = "assignmentsectionid" if complete else "assignmentid"
        key = scores.read_part_id(ref) if complete else ref.key
        try:
            rows = await self.calls.read_table("assignmentsection", (column,), {f"{column}==": key})
        except ReadRefused as refused:
            raise SyncStopped(
                Reason.SIS_UNREADABLE,
                "PowerSchool answered 500 to assignment.get, and doesn't show its table",
            ) from refused
        return bool(rows)


def _teacher_params(section: SisSection) -> dict[str, str]:
    return {"users_dcid": str(section.ref.value["users_dcid"])}


def _decode_list(response: UpstreamResponse, kind: str) -> list[object]:
    try:
        return decode_list(response.body)
    except MalformedError as error:
        raise SyncStopped(Reason.SIS_UNREADABLE, f"PowerSchool's {kind} is not a list") from error


def _decode_assignment(response: UpstreamResponse) -> Object:
    """Return an object, or the only one of an array (upstream.md PowerSchool §4)."""
    try:
        content = decode(response.body)
    except MalformedError:
        content = None
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    if not isinstance(content, Mapping) or "assignmentid" not in content:
        raise SyncStopped(Reason.SIS_UNREADABLE, "PowerSchool's assignment.get is not an assignment")
    return content


def _change_entry(entry: Object, section: SisSection, spec: Spec) -> dict[str, object]:
    try:
        return change_assignment(entry, section.ref.key, spec)
    except MalformedError as error:
        raise Rejected(Reason.SIS_UNREADABLE, "PowerSchool's assignment.get makes no sense") from error


def _read_created_ref(response: UpstreamResponse) -> Ref | None:
    """Return the ids of a create, None where the response has none.

    `Location` names the assignment, a header its sections where it is sent (upstream.md PowerSchool §4.1).
    """
    path = response.headers.get("location", "").partition("?")[0].rstrip("/")
    assignmentid = path.rpartition("/")[2]
    if not (assignmentid.isascii() and assignmentid.isdecimal()):
        if response.status != 201:
            raise AnswerLost(f"PowerSchool answered {response.status} to a create, without an id")
        _check_empty_or_json(response)
        return None
    return make_ref(assignmentid, _read_only_section(response.headers.get("assignmentsectionids", "")))


def _read_only_section(header: str) -> str | None:
    if not header:
        return None
    try:
        listed = decode(header.encode())
    except MalformedError:
        return None
    only = listed[0] if isinstance(listed, list) and len(listed) == 1 else None
    return str(only) if isinstance(only, int) and not isinstance(only, bool) else None


def _check_empty_or_json(response: UpstreamResponse) -> None:
    """Raise `AnswerLost` for a write whose 2xx came from something else, such as a page to log in."""
    if not response.body.strip():
        return
    try:
        decode(response.body)
    except MalformedError as error:
        raise AnswerLost("PowerSchool's response to a write makes no sense") from error


def reject(refusal: Refusal, kind: str) -> Rejected:
    """Return why one assignment is refused. Raises `SyncStopped` where none would be taken."""
    stop_for_access(refusal, kind)
    if refusal.status in (404, 405):
        raise SyncStopped(
            Reason.UPSTREAM_ANSWER_UNEXPECTED, f"PowerSchool answered {refusal.status} to {kind}"
        )
    return Rejected(
        classify_assignment_refusal(refusal.text, refusal.fields),
        summarize(refusal.status, f"{refusal.text} {' '.join(refusal.fields)}"),
        conflict=refusal.status == 409,
    )


def reject_update(refusal: Refusal) -> Rejected:
    return Rejected(Reason.ASSIGNMENT_GONE) if refusal.is_missing else reject(refusal, "assignment.update")
