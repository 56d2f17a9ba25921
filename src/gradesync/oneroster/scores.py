"""Write scores, each in a call, several at once; read them back (upstream.md OneRoster §7)."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gradesync.core.ledger import Value, holds, points_of
from gradesync.core.ports import BatchResult, ScoreRow
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveScores, SisSection
from gradesync.errors import AnswerLost, Retriable, SyncStopped
from gradesync.oneroster.bodies import Bodies
from gradesync.oneroster.calls import Calls, is_other, is_same, path_to
from gradesync.oneroster.cells import decode_cell, encode_cell
from gradesync.oneroster.ids import result_id
from gradesync.oneroster.objects import Cells, Object, index_results, is_gone, read_id, read_ref
from gradesync.oneroster.refusals import Refusal, read_refusal
from gradesync.upstream.response import MalformedError, UpstreamResponse, decode

DENIALS = 3  # refusals of access in a row, with nothing taken, after which no further score is sent
LOSSES = 12  # lost answers in a row after which the SIS is taken to be down
TRIES = 2  # sends of a score whose answer is lost and that the SIS does not hold

Pair = tuple[str, str]


@dataclass(slots=True)
class Results:
    """Keep the results of one class as one sync read them, until something is written there.

    `cells` are by line item and student; `known` are the line items whose results are among them.
    `unreadable` are those with a result whose student cannot be read.
    `complete`: those of the whole class were read. `written`: a score was sent since.
    """

    cells: Cells = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    complete: bool = False
    written: bool = False

    def knows(self, line_item: str) -> bool:
        return self.complete or line_item in self.known


@dataclass(slots=True)
class _Tally:
    """Collect what became of the rows of one batch."""

    refused: dict[Pair, tuple[str | None, str]] = field(default_factory=dict)
    doubtful: set[Pair] = field(default_factory=set)
    lost: set[Pair] = field(default_factory=set)
    unsent: set[Pair] = field(default_factory=set)
    unknown: set[Pair] = field(default_factory=set)
    taken: int = 0
    denied: int = 0
    losses: int = 0
    stopped: Retriable | SyncStopped | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Read and write the scores of one class, for one sync. `marks`: the district sends marks."""

    calls: Calls
    bodies: Bodies
    results: Results
    marks: bool

    async def read(self, section: SisSection, line_item: str) -> LiveScores | None:
        """Return the scores of a line item: one paged read for all of a class, until something is written.

        None where one of them cannot be read: nothing may be concluded from the others' absence.
        """
        results = self.results
        if results.written:
            await self._read_results(section, line_item)
        elif not results.complete:
            await self._read_results(section, None)
        if line_item in results.unreadable:
            return None
        mine = {student: entry for (key, student), entry in results.cells.items() if key == line_item}
        try:
            return {student: self._decode(entry) for student, entry in mine.items()}
        except MalformedError:
            return None

    async def _read_results(self, section: SisSection, line_item: str | None) -> None:
        results, of_item = self.results, () if line_item is None else ("lineItems", line_item)
        path = path_to("classes", section.ref.key, *of_item, "results")
        entries = await self.calls.read_all(self.calls.gradebook, "result.list", path, "results")
        try:
            found, unreadable = index_results(entries)
        except MalformedError as error:
            raise SyncStopped(Reason.SIS_UNREADABLE, f"result.list: {error}") from error
        if line_item is None:
            results.cells, results.unreadable, results.complete = found, unreadable, True
            return
        results.unreadable = results.unreadable - {line_item} | unreadable & {line_item}
        others = {pair: entry for pair, entry in results.cells.items() if pair[0] != line_item}
        mine = {pair: entry for pair, entry in found.items() if pair[0] == line_item}
        results.cells = others | mine
        results.known.add(line_item)

    async def write(self, section: SisSection, rows: Sequence[ScoreRow]) -> BatchResult:
        """Send each row in a call of its own. Raises `SyncStopped`, `Retriable` before anything is sent."""
        await self._learn(section, rows)
        self.results.written = True
        detail = "the SIS shows a score of this assignment without its student"
        tally = _Tally({_pair(row): (Reason.SIS_UNREADABLE, detail) for row in rows if self._is_hidden(row)})
        waiting = iter([row for row in rows if not self._is_hidden(row)])
        workers = min(self.bodies.profile.connections, len(rows))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(waiting, tally))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        tally.unsent.update(map(_pair, waiting))
        if tally.denied and not tally.taken and len(tally.refused) == tally.denied:
            reason, detail = next(iter(tally.refused.values()))
            return BatchResult(accepted=False, denied=True, reason=reason, detail=detail)
        await self._explain_unknown(section, tally)
        return BatchResult(
            accepted=True,
            doubtful=frozenset(tally.doubtful),
            refused=tally.refused,
            lost=frozenset(tally.lost),
            unsent=frozenset(tally.unsent),
            stopped=tally.stopped,
        )

    def _is_hidden(self, row: ScoreRow) -> bool:
        """Return True where a write could make a second result of one that is there."""
        return row.ref.key in self.results.unreadable

    async def _learn(self, section: SisSection, rows: Sequence[ScoreRow]) -> None:
        """Read what stands where rows go: a write replaces a result with its comment."""
        unknown = {row.ref.key for row in rows if not self.results.knows(row.ref.key)}
        if len(unknown) == 1:
            await self._read_results(section, unknown.pop())
        elif unknown:
            await self._read_results(section, None)

    async def _work(self, waiting: Iterator[ScoreRow], tally: _Tally) -> None:
        """Send rows one after another until none is left, or no further one would be taken."""
        while tally.stopped is None and tally.losses < LOSSES:
            if tally.denied >= DENIALS and not tally.taken:
                return
            row = next(waiting, None)
            if row is None:
                return
            try:
                await self._send_row(row, tally)
            except (Retriable, SyncStopped) as stopped:
                tally.stopped = tally.stopped or stopped
                tally.unsent |= {_pair(row)} - tally.lost

    async def _send_row(self, row: ScoreRow, tally: _Tally) -> None:
        """Send one score; where its answer is lost, one GET shows if it is there."""
        pair = _pair(row)
        entry = self.results.cells.get(pair)
        for _ in range(TRIES):
            try:
                settled = await self._call(row, entry)
            except AnswerLost:
                tally.lost.add(pair)
                if not await self._is_there(row, entry):
                    continue
                settled = None
            tally.lost.discard(pair)
            tally.losses = 0
            self._note(row, settled, tally)
            return
        tally.losses += 1
        if tally.losses >= LOSSES:
            tally.stopped = Retriable("the SIS doesn't show whether it took the scores")

    async def _call(self, row: ScoreRow, entry: Object | None) -> UpstreamResponse | None:
        """Write a row; None where there is nothing to write. Raises `AnswerLost`."""
        key = self._result_id(row, entry)
        now = self.calls.gradebook.clock()
        body = self.bodies.result(entry, key, row.ref.key, row.write, now)
        path = path_to("results", key)
        if body is not None:
            return await self.calls.send(
                self.calls.gradebook, "result.put", "PUT", path, body={"result": body}
            )
        if entry is None:
            return None
        return await self.calls.send(self.calls.gradebook, "result.delete", "DELETE", path)

    async def _is_there(self, row: ScoreRow, entry: Object | None) -> bool:
        """Ask by id if a score that was sent is there. Raises `Retriable` where the SIS doesn't answer."""
        key = self._result_id(row, entry)
        try:
            found = await self.calls.read_one(self.calls.gradebook, "result.get", "results", key, "result")
            live = None if found is None or is_gone(found) else self._decode(found)
        except MalformedError:
            return False
        except SyncStopped as stopped:
            if stopped.reason != Reason.SIS_UNREADABLE:
                raise
            return False
        return holds(live, row.write.value, row.write.before)

    def _note(self, row: ScoreRow, response: UpstreamResponse | None, tally: _Tally) -> None:
        pair = _pair(row)
        if response is None:
            tally.taken += 1
            return
        refusal = read_refusal(response)
        if response.status == 404 and self._deletes(row):
            tally.taken += 1
            tally.unknown.add(pair)
            tally.doubtful.add(pair)  # it was listed: it may be the address that is unknown
            return
        if response.status < 300 and not refusal.failed:
            tally.taken += 1
            if self._contradicts(response, row):
                tally.doubtful.add(pair)
            return
        reason = self._explain(refusal, row)
        if reason == Reason.SIS_PERMISSION_MISSING:
            tally.denied += 1
        if refusal.status == 404:
            tally.unknown.add(pair)
        tally.refused[pair] = reason, refusal.describe("result.put")

    def _explain(self, refusal: Refusal, row: ScoreRow) -> Reason | None:
        """Return why one score is refused; None where nothing shows it."""
        denied = refusal.status in {403, 405} or "forbidden" in refusal.codes
        if row.write.value is None and (denied or "deletefailure" in refusal.codes):
            return Reason.CANNOT_CLEAR
        entry = self.results.cells.get(_pair(row))
        if self.bodies.profile.keeps_entries and entry is not None and not self._is_as_sent(entry, row):
            return Reason.ENTERED_IN_SIS
        return Reason.SIS_PERMISSION_MISSING if denied else None

    def _deletes(self, row: ScoreRow) -> bool:
        return encode_cell(row.write.value, row.write.before, self.bodies.profile) is None

    def _is_as_sent(self, entry: Object, row: ScoreRow) -> bool:
        try:
            return holds(self._decode(entry), row.write.before)
        except MalformedError:
            return False

    def _contradicts(self, response: UpstreamResponse, row: ScoreRow) -> bool:
        """Return True where the answer shows another score than the one that was sent, or another's (R41)."""
        if self._deletes(row):
            return False
        if is_other(response, "result", self._result_id(row, self.results.cells.get(_pair(row)))):
            return True
        content = decode(response.body) if response.body.strip() else None
        shown = content.get("result") if isinstance(content, dict) else None
        if not isinstance(shown, dict):
            return False
        refs = read_ref(shown, "lineItem"), read_ref(shown, "student")
        if any(
            ref is not None and not is_same(ref, sent) for ref, sent in zip(refs, _pair(row), strict=True)
        ):
            return True
        try:
            return "score" in shown and points_of(self._decode(shown)) != points_of(row.write.value)
        except MalformedError:
            return True

    async def _explain_unknown(self, section: SisSection, tally: _Tally) -> None:
        """Find line items that are gone behind refusals of an unknown object."""
        for line_item in {line_item for line_item, _ in tally.unknown}:
            try:
                found = await self.calls.read_one(
                    self.calls.gradebook, "lineItem.get", "lineItems", line_item, "lineItem"
                )
            except (Retriable, SyncStopped) as stopped:  # what was taken before stands
                tally.stopped = tally.stopped or stopped
                return
            if found is None or is_gone(found):
                for pair in tally.unknown:
                    if pair[0] == line_item:
                        tally.refused[pair] = Reason.ASSIGNMENT_GONE, ""

    def _result_id(self, row: ScoreRow, entry: Object | None) -> str:
        known = None if entry is None else read_id(entry)
        return known or result_id(row.ref.key, row.write.sis_student)

    def _decode(self, entry: Object) -> Value:
        return decode_cell(entry, self.bodies.profile, marks=self.marks)


def _pair(row: ScoreRow) -> Pair:
    return row.ref.key, row.write.sis_student
