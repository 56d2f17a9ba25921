"""Write to a SIS gradebook over OneRoster (upstream.md OneRoster §3)."""

from asyncio import gather
from collections.abc import Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from gradesync.core.gradebook import EXCUSED, MISSING
from gradesync.core.ports import BatchResult, Finding, NewAssignment
from gradesync.core.reasons import Reason
from gradesync.core.sis import Capabilities, LiveAssignment, LiveScores, Ref, SisCategory, SisSection, Spec
from gradesync.core.writes import ScoreRow
from gradesync.errors import AnswerLost, Rejected, Retriable, SyncStopped
from gradesync.oneroster import ids, lookups
from gradesync.oneroster.bodies import Bodies
from gradesync.oneroster.calls import Calls, is_other, is_same, path_to, stop_for_refusal
from gradesync.oneroster.check import Checker
from gradesync.oneroster.deletes import DeleteRight
from gradesync.oneroster.objects import Object, is_gone, read_id, read_line_item, read_ref
from gradesync.oneroster.profiles import Profile
from gradesync.oneroster.refusals import Refusal, read_refusal
from gradesync.oneroster.results import ResultReader, Results
from gradesync.oneroster.scores import Scores

POINTS_MAX = Decimal(9999)  # a guess: no vendor names its limit
SCORE_MAX = Decimal("999999999.9999")
ROUNDS = 12  # calls that each connection sends between two records in the ledger
GENERATIONS = 9
TRIES = 2  # sends of a line item whose answer is lost and that the SIS does not hold
# Exceptions that a result can show beside its score.
FLAGS = {"1.1": frozenset({EXCUSED}), "1.2": frozenset({EXCUSED, MISSING})}
LISTED = "sourced_id"
AHEAD = ("categories", "lineItems", "students")
# The SIS does not show a list, or shows a part: nobody is absent by it (R49).
UNREADABLE = frozenset({Reason.SIS_PERMISSION_MISSING, Reason.SIS_UNREADABLE})


def describe_capabilities(profile: Profile, most: int) -> Capabilities:
    """Return what a SIS with this profile can hold; `most` rows go between two records in the ledger."""
    rows = most if profile.bulk_post else min(most, profile.connections * ROUNDS)
    if profile.calls_per_minute:
        rows = min(rows, max(1, profile.calls_per_minute // 2))
    return Capabilities(
        name_max=profile.title_limit,
        points_max=POINTS_MAX,
        score_decimals=profile.decimals,
        score_max=SCORE_MAX,
        has_counts=False,
        exception_flags=FLAGS[profile.version],
        rows_per_write=rows,
        reads_scores=profile.reads_scores,
        whole_points=profile.whole_points,
        clears=profile.blank != "cannot",
        excuses=True,
        writes_at_once=profile.connections,
        refuses_absent=False,
    )


@dataclass(slots=True)
class SeenIds:
    """Remember what one sync has seen: ids that the SIS has used, of which a deleted one may stay taken.

    `ahead` is what a first sync read of a class together with it, each until it is asked for.
    """

    line_items: set[str] = field(default_factory=set)
    students: list[Object] | None = None
    resolved: bool = False
    ahead: dict[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OneRosterTarget:
    """Write to one district's SIS, for one holder of a lease. Fits `Target`.

    `student_id` is the field of a user that the district's match names. `tenant` is the district's id.
    """

    calls: Calls
    bodies: Bodies
    tenant: str
    checker: Checker
    student_id: str = LISTED
    marks: bool = False
    rows_per_write: int = 500
    seen: SeenIds = field(default_factory=SeenIds)
    results: Results = field(default_factory=Results)
    right: DeleteRight = field(default_factory=DeleteRight)

    @property
    def profile(self) -> Profile:
        return self.bodies.profile

    @property
    def capabilities(self) -> Capabilities:
        return describe_capabilities(self.profile, self.rows_per_write)

    def is_complete(self, ref: Ref) -> bool:
        """Return True: an id is all that a line item needs."""
        return True

    async def resolve_section(
        self, key: str, teacher: str | None = None, *, known: SisSection | None = None, term: bool = True
    ) -> SisSection:
        resolved = lookups.resolve_section(self.calls, self.profile, key, known=known, term=term)
        first = known is None and not self.seen.resolved and self.calls.gradebook.permit is not None
        self.seen.resolved = True
        if not first:
            return await resolved
        # A first sync needs all of this, and none of it needs the class itself: one wait for all of them.
        listed = self._list_categories(key), self._list_items(key), self._list_students(key)
        ahead = (self._keep(name, reading) for name, reading in zip(AHEAD, listed, strict=True))
        # A class that is refused cancels no call that is on its way.
        ends: list[Any] = await gather(resolved, *ahead, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        section: SisSection = ends[0]
        return section

    async def _keep(self, name: str, reading: Coroutine[Any, Any, Sequence[Any]]) -> None:
        """Keep what is read ahead. Where it fails, whoever needs it reads it again."""
        with suppress(SyncStopped, Retriable):
            self.seen.ahead[name] = await reading

    async def resolve_students(self, section: SisSection, keys: Sequence[str]) -> Mapping[str, str]:
        if self.student_id == LISTED:
            return {key: key for key in keys}
        named: dict[str, set[str]] = {}
        for entry in await self._students(section):
            if (key := read_id(entry)) is not None:
                named.setdefault(str(entry.get(self.student_id)), set()).add(key)
        return {key: next(iter(named[key])) for key in keys if len(named.get(key, ())) == 1}

    async def categories(self, section: SisSection) -> tuple[SisCategory, ...]:
        kept = self.seen.ahead.pop("categories", None)
        return tuple(await self._list_categories(section.ref.key) if kept is None else kept)

    async def assignments(self, section: SisSection) -> tuple[LiveAssignment, ...]:
        kept = self.seen.ahead.pop("lineItems", None)
        entries = await self._list_items(section.ref.key) if kept is None else kept
        self.seen.line_items.update(key for entry in entries if (key := read_id(entry)) is not None)
        listed = (self._read(entry, section) for entry in entries if self._is_of(section, entry))
        return tuple(live for live in listed if live is not None)

    async def assignment(self, section: SisSection, ref: Ref) -> LiveAssignment | None:
        entry = await self._get(ref)
        return None if entry is None else self._read(entry, section)

    async def roster(self, section: SisSection) -> frozenset[str] | None:
        try:
            entries = await self._students(section)
        except SyncStopped as stopped:
            if stopped.reason not in UNREADABLE:
                raise
            return None
        return frozenset(key for entry in entries if (key := read_id(entry)) is not None)

    async def scores(self, section: SisSection, ref: Ref) -> LiveScores | None:
        return await self._reader.read(section, ref.key)

    async def create_assignment(
        self, section: SisSection, spec: Spec, item: str, held: Collection[str] = ()
    ) -> NewAssignment:
        """Create a line item by an id of ours: nothing is made twice by it. Raises `AnswerLost`."""
        taken = {key.lower() for key in held}  # some servers change its case
        for generation in range(GENERATIONS):
            key = ids.line_item_id(self.tenant, section.ref.key, item, generation)
            if key in self.seen.line_items or key in taken:
                continue
            body = self.bodies.line_item(key, section, spec, self._now())
            refusal = await self._put_new(key, body)
            self.seen.line_items.add(key)
            if refusal is None:
                self.results.known.add(key)
                return NewAssignment(Ref(key))
            if not await self._is_kept_deleted(refusal, key):
                raise _reject(refusal, "lineItem.put")
        raise Rejected(Reason.ASSIGNMENT_NOT_ACCEPTED, "the SIS keeps every former id of the assignment")

    async def update_assignment(self, section: SisSection, ref: Ref, spec: Spec, *, rescore: bool) -> None:
        entry = await self._read_to_change(ref)
        if entry is None:
            raise Rejected(Reason.ASSIGNMENT_GONE)
        self.results.written = self.results.written or rescore
        body = self.bodies.change_line_item(entry, section, spec, self._now())
        refusal = await self._put(ref.key, body)
        if refusal is not None:
            raise _reject(refusal, "lineItem.put")

    async def write_scores(self, section: SisSection, rows: Sequence[ScoreRow]) -> BatchResult:
        return await Scores(self.calls, self.bodies, self._reader, self.right).write(section, rows)

    async def check(self) -> tuple[Finding, ...]:
        return await self.checker.run()

    @property
    def _reader(self) -> ResultReader:
        return ResultReader(self.calls, self.profile, self.results, self.marks)

    def _now(self) -> datetime:
        return self.calls.gradebook.clock()

    def _is_of(self, section: SisSection, entry: Object) -> bool:
        """Return False for a line item that names another class: nothing there may be taken over."""
        named, key = read_ref(entry, "class"), read_id(entry) or ""
        mine = named is None or is_same(named, section.ref.key)
        return mine or ids.is_ours(key, self.tenant, section.ref.key)

    def _read(self, entry: Object, section: SisSection) -> LiveAssignment | None:
        return read_line_item(entry, section.ref.key, self.tenant, self.bodies.zone, self.profile)

    async def _students(self, section: SisSection) -> list[Object]:
        if self.seen.students is None:
            kept = self.seen.ahead.pop("students", None)
            self.seen.students = list(await self._list_students(section.ref.key) if kept is None else kept)
        return self.seen.students

    async def _list_categories(self, class_id: str) -> Sequence[SisCategory]:
        return await lookups.read_section_categories(self.calls, self.profile, class_id)

    async def _list_items(self, class_id: str) -> Sequence[Object]:
        path = path_to("classes", class_id, "lineItems")
        return await self.calls.read_all(self.calls.gradebook, "lineItem.list", path, "lineItems")

    async def _list_students(self, class_id: str) -> Sequence[Object]:
        return await lookups.read_students(self.calls, class_id)

    async def _get(self, ref: Ref) -> Object | None:
        """Read a line item; None where the SIS has none, or keeps it as deleted."""
        entry = await self.calls.read_one(
            self.calls.gradebook, "lineItem.get", "lineItems", ref.key, "lineItem"
        )
        if entry is not None and is_gone(entry):
            self.seen.line_items.add(ref.key)
            return None
        return entry

    async def _read_to_change(self, ref: Ref) -> Object | None:
        try:
            return await self._get(ref)
        except SyncStopped as stopped:
            if stopped.reason != Reason.SIS_UNREADABLE:
                raise
            raise Rejected(stopped.reason, stopped.detail) from stopped

    async def _put_new(self, key: str, body: Mapping[str, object]) -> Refusal | None:
        """Write a line item; where the answer is lost, one GET shows if it is there, and it is sent again."""
        for tries_left in reversed(range(TRIES)):
            try:
                return await self._put(key, body)
            except AnswerLost:
                if await self._get(Ref(key)) is not None:
                    break
                if not tries_left:
                    raise
        return None

    async def _put(self, key: str, body: Mapping[str, object]) -> Refusal | None:
        """Write a line item; return the refusal where the SIS doesn't take it. Raises `AnswerLost`."""
        path = path_to(self.profile.line_items, key)
        response = await self.calls.send(
            self.calls.gradebook, "lineItem.put", "PUT", path, body={"lineItem": body}
        )
        refusal = read_refusal(response)
        if response.status >= 300 or refusal.failed:
            return refusal
        if is_other(response, "lineItem", key):
            raise AnswerLost("the SIS's answer to lineItem.put does not show what was written")
        return None

    async def _is_kept_deleted(self, refusal: Refusal, key: str) -> bool:
        """Return True where an id is refused because the SIS still keeps a deleted line item under it."""
        if refusal.status not in {400, 404, 409, 422}:
            return False
        entry = await self.calls.read_one(self.calls.gradebook, "lineItem.get", "lineItems", key, "lineItem")
        return entry is not None and is_gone(entry)


def _reject(refusal: Refusal, kind: str) -> Rejected:
    """Return why one line item is refused. Raises `SyncStopped` where none would be taken."""
    if refusal.status == 403 or "forbidden" in refusal.codes:
        stop_for_refusal(refusal, kind)
    if refusal.status == 405:
        raise SyncStopped(Reason.UPSTREAM_ANSWER_UNEXPECTED, refusal.describe(kind))
    return Rejected(Reason.ASSIGNMENT_NOT_ACCEPTED, refusal.describe(kind), conflict=refusal.status == 409)
