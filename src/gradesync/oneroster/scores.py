"""Write scores, several calls at once: each in a call, or those of a line item (upstream.md OneRoster §7)."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gradesync.core.ledger import holds, points_of
from gradesync.core.ports import BatchResult
from gradesync.core.reasons import Reason
from gradesync.core.sis import SisSection
from gradesync.core.writes import ScoreRow
from gradesync.errors import AnswerLost, Retriable, SyncStopped
from gradesync.oneroster.bodies import Bodies
from gradesync.oneroster.calls import Calls, is_other, is_same, path_to
from gradesync.oneroster.cells import encode_cell
from gradesync.oneroster.deletes import DeleteRight, is_denied, refuses_deletes
from gradesync.oneroster.ids import result_id
from gradesync.oneroster.objects import Object, is_gone, read_id, read_ref, read_supplied_ids
from gradesync.oneroster.refusals import Refusal, is_answered, read_refusal
from gradesync.oneroster.results import ResultReader, Results
from gradesync.oneroster.tally import Tally
from gradesync.upstream.response import MalformedError, UpstreamResponse, decode, until_landed

TRIES = 2  # sends of a score whose answer is lost, or an error, and that the SIS does not hold


@dataclass(frozen=True, slots=True)
class Scores:
    """Write the scores of one class, for one sync."""

    calls: Calls
    bodies: Bodies
    reader: ResultReader
    right: DeleteRight

    @property
    def results(self) -> Results:
        return self.reader.results

    async def write(self, section: SisSection, rows: Sequence[ScoreRow]) -> BatchResult:
        """Send rows. Raises `SyncStopped`, `Retriable` before anything is sent."""
        await self.reader.learn(section, rows)
        self.results.written = True
        detail = "the SIS shows a score of this assignment without its student"
        tally = Tally(section)
        for row in filter(self._is_hidden, rows):
            tally.refused[row.pair] = Reason.SIS_UNREADABLE, detail
            tally.unsent.add(row.pair)
        parts = self._cut([row for row in rows if not self._is_hidden(row)])
        waiting, workers = iter(parts), min(self.bodies.profile.connections, len(parts))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(waiting, tally))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        tally.unsent.update(row.pair for part in waiting for row in part)
        self._judge_clears(tally, rows)
        if tally.is_denied:
            reason, detail = next(iter(tally.refused.values()))
            return BatchResult(accepted=False, denied=True, reason=reason, detail=detail)
        tally.judge_failing()
        await self._explain_unknown(tally)
        return tally.result()

    def _is_hidden(self, row: ScoreRow) -> bool:
        """Return True where a write could make a second result of one that is there."""
        return row.ref.key in self.results.unreadable

    def _cut(self, rows: Sequence[ScoreRow]) -> list[Sequence[ScoreRow]]:
        """Cut rows into calls: one each, but for new results of a line item where the SIS takes many."""
        if not self.bodies.profile.bulk_post:
            return [[row] for row in rows]
        groups: dict[tuple[str, ...], list[ScoreRow]] = {}
        for row in rows:
            is_new = row.pair not in self.results.cells and not self._deletes(row)
            groups.setdefault((row.ref.key,) if is_new else row.pair, []).append(row)
        return list(groups.values())

    async def _work(self, waiting: Iterator[Sequence[ScoreRow]], tally: Tally) -> None:
        """Send parts one after another until none is left, or no further one would be taken."""
        while not tally.is_over and (part := next(waiting, None)):
            rows = list(part)
            try:
                if len(rows) > 1:
                    rows = await self._post(rows, tally)
                while rows and not tally.is_over:
                    await self._send_row(rows[0], tally)
                    del rows[0]
            except (Retriable, SyncStopped) as stopped:
                tally.stopped = tally.stopped or stopped
            tally.unsent |= {row.pair for row in rows} - tally.lost

    async def _post(self, rows: list[ScoreRow], tally: Tally) -> list[ScoreRow]:
        """Send new results of one line item in a call; return those that are still to be sent one by one.

        The SIS makes their ids: unless it took all of them, only its list shows which it took.
        """
        line_item = rows[0].ref.key
        made = {result_id(line_item, row.write.sis_student): row for row in rows}
        path = path_to(self.bodies.profile.line_items, line_item, "results")
        now = self.calls.gradebook.clock()
        bodies = [self.bodies.result(None, key, line_item, row.write, now) for key, row in made.items()]
        self.results.posted.add(line_item)
        try:
            response = await self.calls.send(
                self.calls.gradebook, "result.post", "POST", path, body={"results": bodies}
            )
        except AnswerLost as lost:
            tally.lost |= {row.pair for row in rows}
            await until_landed(lost)
            response = None
        if response is None or response.status >= 300 or read_refusal(response).failed:
            tally.lost |= {row.pair for row in rows}  # a refusal too may have come after some were taken
            await self.reader.refresh(tally.section, line_item)
            return self._find_missing(rows, tally)
        tally.taken += len(rows)
        shown = read_supplied_ids(response)
        if shown is not None:
            tally.doubtful |= {row.pair for key, row in made.items() if key not in shown}
        return []

    def _find_missing(self, rows: Sequence[ScoreRow], tally: Tally) -> list[ScoreRow]:
        """Return the rows that the SIS does not hold. One of which that cannot be read stays lost."""
        missing = []
        for row in rows:
            try:
                live = self.reader.read_cell(*row.pair)
            except MalformedError:
                continue
            tally.lost.discard(row.pair)
            if holds(live, row.write.value, row.write.before):
                tally.taken += 1
            else:
                missing.append(row)
        return missing

    async def _send_row(self, row: ScoreRow, tally: Tally) -> None:
        """Send one score; where its answer is lost or an error, one GET shows if it is there."""
        pair, failure = row.pair, None
        if row.ref.key in tally.closed:
            tally.held_back.add(pair)
            return
        entry = self.results.cells.get(pair)
        for _ in range(TRIES):
            answer, lost, failure = None, None, None
            try:
                answer = await self._call(row, entry)
            except AnswerLost as error:
                lost = error
            if lost is None and (answer is None or is_answered(answer)):
                tally.answer(pair)
                if answer is not None and self._deletes(row) and is_denied(read_refusal(answer)):
                    await self.right.ask(self.calls.gradebook.gate)
                self._note(row, answer, tally)
                return
            tally.lost.add(pair)
            if lost is not None:
                await until_landed(lost)
            elif answer is not None:
                failure = read_refusal(answer).describe("result.put")
            if await self._is_there(row, entry):
                tally.answer(pair)
                self._note(row, None, tally)
                return
        tally.fail(pair, failure)

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
        if entry is None and self.bodies.profile.reads_scores:
            return None
        return await self.calls.send(self.calls.gradebook, "result.delete", "DELETE", path)

    async def _is_there(self, row: ScoreRow, entry: Object | None) -> bool:
        """Ask by id if a score that was sent is there. Raises `Retriable` where the SIS doesn't answer."""
        key = self._result_id(row, entry)
        if not self.bodies.profile.reads_scores:
            return False  # sent again, it is the same result
        try:
            found = await self.calls.read_one(self.calls.gradebook, "result.get", "results", key, "result")
            live = None if found is None or is_gone(found) else self.reader.decode(found)
        except MalformedError:
            return False
        except SyncStopped as stopped:
            if stopped.reason != Reason.SIS_UNREADABLE:
                raise
            return False
        return holds(live, row.write.value, row.write.before)

    def _note(self, row: ScoreRow, response: UpstreamResponse | None, tally: Tally) -> None:
        pair = row.pair
        if response is None:
            tally.taken += 1
            return
        refusal = read_refusal(response)
        if response.status == 404 and self._deletes(row):
            tally.taken += 1
            tally.unknown.add(pair)
            if self.bodies.profile.reads_scores:
                tally.doubtful.add(pair)  # it was listed: it may be the address that is unknown
            return
        if response.status < 300 and not refusal.failed:
            tally.taken += 1
            if not self._deletes(row):
                self.results.taken.add(row.ref.key)
            if self._contradicts(response, row):
                tally.doubtful.add(pair)
            return
        reason = self._explain(refusal, row)
        if reason == Reason.SIS_PERMISSION_MISSING and (not self._deletes(row) or self.right.is_granted):
            tally.denied += 1
        if refusal.status == 404:
            tally.unknown.add(pair)
        kind = "result.delete" if self._deletes(row) else "result.put"
        tally.refused[pair] = reason, refusal.describe(kind)

    def _explain(self, refusal: Refusal, row: ScoreRow) -> Reason | None:
        """Return why one score is refused; None where nothing shows it."""
        if self._deletes(row) and (refuses_deletes(refusal) or self._lacks_right(refusal)):
            return Reason.CANNOT_CLEAR
        entry = self.results.cells.get(row.pair)
        if self.bodies.profile.keeps_entries and entry is not None and not self._is_as_sent(entry, row):
            return Reason.ENTERED_IN_SIS
        return Reason.SIS_PERMISSION_MISSING if is_denied(refusal) or refusal.status == 405 else None

    def _lacks_right(self, refusal: Refusal) -> bool:
        return is_denied(refusal) and self.right.is_granted is False

    def _judge_clears(self, tally: Tally, rows: Sequence[ScoreRow]) -> None:
        """Name what cannot be cleared where the SIS takes other scores of the same assignment: it is open."""
        for row in filter(self._deletes, rows):
            reason, detail = tally.refused.get(row.pair, (None, ""))
            if reason == Reason.SIS_PERMISSION_MISSING and row.ref.key in self.results.taken:
                tally.refused[row.pair] = Reason.CANNOT_CLEAR, detail
                tally.denied -= bool(self.right.is_granted)

    def _deletes(self, row: ScoreRow) -> bool:
        return encode_cell(row.write.value, row.write.before, self.bodies.profile) is None

    def _is_as_sent(self, entry: Object, row: ScoreRow) -> bool:
        try:
            return holds(self.reader.decode(entry), row.write.before)
        except MalformedError:
            return False

    def _contradicts(self, response: UpstreamResponse, row: ScoreRow) -> bool:
        """Return True where the answer shows another score than the one that was sent, or another's (R41)."""
        if not response.body.strip():
            return False
        if is_other(response, "result", self._result_id(row, self.results.cells.get(row.pair))):
            return True
        content = decode(response.body)
        shown = content.get("result") if isinstance(content, dict) else None
        if not isinstance(shown, dict) or self._deletes(row):
            return False
        refs = read_ref(shown, "lineItem"), read_ref(shown, "student")
        if any(ref is not None and not is_same(ref, sent) for ref, sent in zip(refs, row.pair, strict=True)):
            return True
        try:
            return "score" in shown and points_of(self.reader.decode(shown)) != points_of(row.write.value)
        except MalformedError:
            return True

    async def _explain_unknown(self, tally: Tally) -> None:
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
