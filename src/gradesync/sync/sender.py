"""Send batches of scores: what the SIS refuses is found and costs only itself.

Nothing but the structure of an answer decides here (R42); its sentences are passed on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gradesync.core.catalog import sis_name
from gradesync.core.ports import BatchResult, Target
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveScores, SisSection
from gradesync.core.writes import ScoreRow
from gradesync.errors import AccessRefused, AnswerLost
from gradesync.sync.batches import (
    Key,
    Memory,
    SentBatch,
    by_assignment,
    describe_held,
    halves,
    has_mark,
    is_held,
    key_of,
    read_back,
    require_same_section,
)

ROUNDS = 3  # sends of the rest of a batch after setting named students aside, before it is split
TRIES = 2  # sends of a batch whose answer is lost and whose scores are not in the SIS
PROBES = 3  # rows that are sent alone to see whether anything at all is taken
FAILURES = 12  # failures in a row, without any success, that mean that the SIS is down


@dataclass(slots=True)
class ScoreSender:
    """Send the rows of one sync, batch by batch.

    `elsewhere`: SIS students whose enrollment names another section. `teacher`: whom the district chose.
    `memory` is shared by all senders of the sync; `sent` and `looked_up` are of one batch.
    """

    target: Target
    section: SisSection
    elsewhere: frozenset[str] = frozenset()
    teacher: str | None = None
    memory: Memory = field(default_factory=Memory)
    sent: SentBatch = field(default_factory=SentBatch)
    looked_up: set[str] = field(default_factory=set)

    def join(self) -> "ScoreSender":
        """Return a sender for another batch at the same time."""
        return ScoreSender(self.target, self.section, self.elsewhere, self.teacher, self.memory)

    async def deliver(self, rows: Sequence[ScoreRow]) -> None:
        """Send a batch until each row is delivered or refused, in `sent`.

        Raises `AnswerLost` where it is not known what became of the rest, and whatever stops the sync; what
        was delivered and refused before stands.
        """
        size = max(1, len(rows) if self.memory.too_many is None else self.memory.too_many // 2)
        for start in range(0, len(rows), size):
            left, answer = await self._try(rows[start : start + size])
            if left:
                await self._narrow(left, answer)

    def start_batch(self) -> None:
        """Forget the rows of the batch before."""
        self.sent = SentBatch()
        self.looked_up.clear()

    async def read_roster(self) -> None:
        self.memory.roster = await self.target.roster(self.section)
        self.memory.roster_asked = True

    def is_absent(self, sis_student: str) -> bool:
        """Return True where the SIS roster is known and does not hold the student."""
        return self.memory.roster is not None and sis_student not in self.memory.roster

    def predict_absence(self, sis_student: str) -> str | None:
        """Return the reason why a student's scores would fail; None where the roster has the student."""
        return self.absence(sis_student) if self.is_absent(sis_student) else None

    def absence(self, sis_student: str) -> str:
        elsewhere = sis_student in self.elsewhere
        return Reason.STUDENT_IN_OTHER_SECTION if elsewhere else Reason.STUDENT_NOT_IN_SIS_SECTION

    async def _try(
        self, rows: Sequence[ScoreRow], tries: int = TRIES
    ) -> tuple[Sequence[ScoreRow], BatchResult]:
        """Send rows without those that are named, and return what was refused unexplained."""
        for _ in range(ROUNDS + 1):
            rows, answer = await self._call(rows, tries)
            if answer.accepted:
                await self._confirm(rows, answer)
                return [], answer
            set_aside = await self._set_aside(rows, answer)
            self.sent.refused |= set_aside
            rows = [row for row in rows if key_of(row) not in set_aside]
            if not rows or not set_aside:
                break
        if answer.too_large and len(rows) > 1:
            self.memory.too_many = len(rows)
        return rows, answer

    async def _call(self, rows: Sequence[ScoreRow], tries: int) -> tuple[Sequence[ScoreRow], BatchResult]:
        """Send one call; where its answer is lost or a failure, read back before sending again."""
        answer = None
        for _ in range(tries):
            try:
                answer, lost = await self.target.write_scores(self.section, rows), None
            except AnswerLost as error:
                answer, lost = None, error
            if answer is not None and not answer.failed:
                self.memory.failures = 0
                return rows, answer
            if answer is None or answer.reason == Reason.UPSTREAM_UNAVAILABLE:
                self.sent.resent.update(map(key_of, rows))
            self.sent.tried.update(map(key_of, rows))
            present = await read_back(self.target, self.section, rows, lost)
            self.sent.delivered.update(present)
            rows = [row for row in rows if key_of(row) not in present]
            if not rows:
                return rows, BatchResult(accepted=True)
        self.memory.failures += 1
        if answer is None or self.memory.failures >= FAILURES:
            raise AnswerLost(f"{sis_name()} didn't show whether it took the scores")
        return rows, answer

    async def _confirm(self, rows: Sequence[ScoreRow], answer: BatchResult) -> None:
        """Mark rows as delivered; those that the answer does not bear out where the SIS holds them (R41).

        An answer shows points alone: marks are looked up where that is possible, and believed elsewhere.
        """
        if not self.memory.roster_asked and any(reason is None for reason, _ in answer.refused.values()):
            await self.read_roster()
        rows = self.sent.settle_each(rows, answer, self.predict_absence)
        self.memory.accepted = self.memory.accepted or bool(rows)
        doubtful = {key_of(row) for row in rows if row.pair in answer.doubtful} if answer.doubtful else set()
        unshown = [row for row in rows if has_mark(row) or (doubtful and key_of(row) in doubtful)]
        self.sent.delivered |= set(map(key_of, rows)) - doubtful
        self.sent.tried |= doubtful
        for group in by_assignment(unshown):
            live = await self.target.scores(self.section, group[0].ref)
            for row in group:
                if live is not None or key_of(row) in doubtful:
                    self.sent.delivered.discard(key_of(row))
                    self._judge(row, live, answer)
        if answer.stopped is not None:
            raise answer.stopped

    def _judge(self, row: ScoreRow, live: LiveScores | None, answer: BatchResult) -> None:
        """Settle a row that the answer does not bear out; `live` is None where nobody may read it."""
        key = key_of(row)
        if live is not None and is_held(live, row):
            self.sent.delivered.add(key)
        elif live is None and answer.unconfirmed:
            self.sent.delivered.add(key)
            self.sent.unconfirmed.add(key)
        else:
            self.sent.refused[key] = Reason.SCORE_NOT_KEPT
            if live is None:
                self.sent.lost.add(key)
            else:
                held = live.get(row.write.sis_student)
                self.sent.held[key] = held
                self.sent.details[key] = f"{sis_name()} holds {describe_held(held, row.write.value)}"

    # --- rows that an answer names

    async def _set_aside(self, rows: Sequence[ScoreRow], answer: BatchResult) -> dict[Key, str]:
        """Return the rows that a refusal concerns, each with its reason."""
        gone = answer.gone
        if answer.missing or answer.failed:
            gone |= await self._find_gone(rows)
        unexplained = not (gone or answer.denied or answer.too_large or answer.failed)
        # Rows that an earlier sync owes for another reason were looked up then.
        new = answer.students or not all(row.write.owed for row in rows)
        if unexplained and new and not self.memory.roster_asked:
            await self.read_roster()
        named = {key_of(row): why for row in rows if (why := self._named(row, answer, gone, unexplained))}
        if unexplained and not named and not self.memory.section_stands:
            await require_same_section(self.target, self.section, self.teacher, answer)
            self.memory.section_stands = True
        return named

    async def _find_gone(self, rows: Sequence[ScoreRow]) -> frozenset[str]:
        """Return the assignments that the SIS has deleted: absent from its list, and by id."""
        refs = {row.ref.key: row.ref for row in rows if row.ref.key not in self.looked_up}
        if not refs:
            return frozenset()
        self.looked_up.update(refs)
        listed = {live.ref.key for live in await self.target.assignments(self.section)}
        return frozenset(
            [
                key
                for key, ref in refs.items()
                if key not in listed and await self.target.assignment(self.section, ref) is None
            ]
        )

    def _named(
        self, row: ScoreRow, answer: BatchResult, gone: frozenset[str], unexplained: bool
    ) -> str | None:
        """Return why a row is to be set aside; None where the refusal does not concern it."""
        if row.ref.key in gone:
            return Reason.ASSIGNMENT_GONE
        student = row.write.sis_student
        if unexplained and self.is_absent(student):
            return self.absence(student)
        if student not in answer.students:
            return None
        if self.memory.roster is None:
            return self.absence(student)
        named = {assignment for assignment, named_student in answer.pairs if named_student == student}
        return Reason.STUDENT_NOT_ON_SIS_ASSIGNMENT if not named or row.ref.key in named else None

    # --- refusals that name nobody

    async def _narrow(self, rows: Sequence[ScoreRow], answer: BatchResult) -> None:
        """Send what a refusal left unexplained in smaller parts: by assignment, then by halves."""
        groups = by_assignment(rows)
        if answer.denied:
            await self._narrow_denied(groups, answer)
        elif len(groups) == 1 or answer.too_large or answer.failed:
            await self._halve(rows, answer)
        else:
            left = await self._try_all(groups)
            self.memory.unspanned = self.memory.unspanned or not left
            if len(left) == len(groups) and not await self._probe(left):
                return
            for part, again in left:
                if rest := self._open(part):
                    await self._narrow(rest, again)

    async def _narrow_denied(self, groups: Sequence[Sequence[ScoreRow]], answer: BatchResult) -> None:
        """Send the assignments of a refused batch one by one.

        Where none at all is taken, it is not the assignments that are refused: raises `AccessRefused`.
        """
        denied: list[Sequence[ScoreRow]] = list(groups) if len(groups) == 1 else []
        for group in groups if not denied else ():
            left, again = await self._try(group)
            if left and again.denied:
                denied.append(left)
            elif left:
                await self._narrow(left, again)
            if not self.memory.accepted and len(denied) == PROBES:
                break
        if denied and not self.memory.accepted:
            raise AccessRefused(answer.reason or Reason.SIS_PERMISSION_MISSING, answer.detail)
        for part in denied:
            self.sent.refuse(part, answer)

    async def _halve(self, rows: Sequence[ScoreRow], answer: BatchResult) -> None:
        """Send halves, both of a level before any of the next, until what is refused stands alone."""
        before = len(self.sent.delivered)
        level = [(rows, answer)]
        while level:
            for part, why in level:
                if len(part) == 1:
                    self.sent.refuse(part, why)
            level = await self._try_all([half for part, _ in level if len(part) > 1 for half in halves(part)])
            if any(len(part) > 1 for part, _ in level) and len(self.sent.delivered) == before:
                if not await self._probe(level):
                    return
                level = [(rest, why) for part, why in level if (rest := self._open(part))]

    async def _try_all(
        self, parts: Sequence[Sequence[ScoreRow]]
    ) -> list[tuple[Sequence[ScoreRow], BatchResult]]:
        """Send parts, and return those that were refused unexplained."""
        tried = [await self._try(part, TRIES if len(part) == 1 else 1) for part in parts]
        return [(left, answer) for left, answer in tried if left]

    async def _probe(self, level: Sequence[tuple[Sequence[ScoreRow], BatchResult]]) -> bool:
        """Send some rows alone. Where none is taken all are refused alike, and False is returned.

        Raises `AnswerLost` where the SIS fails at each of them: it is down.
        """
        rows = [row for part, _ in level for row in part]
        picks = rows if len(rows) <= PROBES else [rows[0], rows[len(rows) // 2], rows[-1]]
        left = await self._try_all([[row] for row in picks])
        if len(left) < len(picks):
            for part, why in left:
                self.sent.refuse(part, why)
            return True
        _, answer = left[-1]
        if answer.failed and len(picks) == PROBES:
            raise AnswerLost(answer.detail)
        self.sent.refuse(rows, answer)
        return False

    def _open(self, rows: Sequence[ScoreRow]) -> list[ScoreRow]:
        """Return the rows that are neither delivered nor refused."""
        settled = self.sent.delivered | self.sent.refused.keys()
        return [row for row in rows if key_of(row) not in settled]
