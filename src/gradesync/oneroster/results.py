"""Read the results of a class: one paged read for all of them (upstream.md OneRoster §7)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gradesync.core.ledger import Value
from gradesync.core.reasons import Reason
from gradesync.core.sis import LiveScores, SisSection
from gradesync.core.writes import ScoreRow
from gradesync.errors import SyncStopped
from gradesync.oneroster.calls import Calls, path_to
from gradesync.oneroster.cells import decode_cell
from gradesync.oneroster.objects import Cells, Object, index_results
from gradesync.oneroster.profiles import Profile
from gradesync.upstream.response import MalformedError


@dataclass(slots=True)
class Results:
    """Keep the results of one class as one sync read them, until something is written there.

    `cells` are by line item and student; `known` are the line items whose results are among them.
    `unreadable` are those with a result whose student cannot be read, `posted` those with results of which
    the SIS has made the ids since.
    `complete`: those of the whole class were read. `written`: a score was sent since. `taken`: line items of
    which the SIS took one.
    """

    cells: Cells = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    posted: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    complete: bool = False
    written: bool = False

    def knows(self, line_item: str) -> bool:
        return line_item not in self.posted and (self.complete or line_item in self.known)


@dataclass(frozen=True, slots=True)
class ResultReader:
    """Read the scores of one class, for one sync. `marks`: the district sends marks."""

    calls: Calls
    profile: Profile
    results: Results
    marks: bool

    async def read(self, section: SisSection, line_item: str) -> LiveScores | None:
        """Return the scores of a line item: those of all the class are read until something is written.

        None where the SIS shows none, or one of them cannot be read: nothing may be concluded from the
        others' absence.
        """
        results = self.results
        if not self.profile.reads_scores:
            return None
        if results.written:
            await self.refresh(section, line_item)
        elif not results.complete:
            await self.refresh(section, None)
        if line_item in results.unreadable:
            return None
        mine = {student: entry for (key, student), entry in results.cells.items() if key == line_item}
        try:
            return {student: self.decode(entry) for student, entry in mine.items()}
        except MalformedError:
            return None

    async def learn(self, section: SisSection, rows: Sequence[ScoreRow]) -> None:
        """Read what stands where rows go: a write replaces a result with its comment."""
        unknown = {row.ref.key for row in rows if not self.results.knows(row.ref.key)}
        if not self.profile.reads_scores:
            return
        if len(unknown) == 1:
            await self.refresh(section, unknown.pop())
        elif unknown:
            await self.refresh(section, None)

    async def refresh(self, section: SisSection, line_item: str | None) -> None:
        """Read the results of a line item, or of the whole class (None)."""
        results, of_item = self.results, () if line_item is None else ("lineItems", line_item)
        path = path_to("classes", section.ref.key, *of_item, "results")
        entries = await self.calls.read_all(self.calls.gradebook, "result.list", path, "results")
        try:
            found, unreadable = index_results(entries)
        except MalformedError as error:
            raise SyncStopped(Reason.SIS_UNREADABLE, f"result.list: {error}") from error
        if line_item is None:
            results.cells, results.unreadable, results.complete = found, unreadable, True
            results.posted.clear()
            return
        results.unreadable = results.unreadable - {line_item} | unreadable & {line_item}
        others = {pair: entry for pair, entry in results.cells.items() if pair[0] != line_item}
        mine = {pair: entry for pair, entry in found.items() if pair[0] == line_item}
        results.cells = others | mine
        results.known.add(line_item)
        results.posted.discard(line_item)

    def read_cell(self, line_item: str, student: str) -> Value:
        """Return the score that was read last of a cell. Raises `MalformedError` where it is not readable."""
        if line_item in self.results.unreadable:
            raise MalformedError("a result of the line item names no student")
        entry = self.results.cells.get((line_item, student))
        return None if entry is None else self.decode(entry)

    def decode(self, entry: Object) -> Value:
        """Return the score of a result. Raises `MalformedError`."""
        return decode_cell(entry, self.profile, marks=self.marks)
