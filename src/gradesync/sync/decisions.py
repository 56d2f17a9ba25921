"""List the edits made in the SIS that a person can decide about, and record what is decided."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession

from gradesync.core.cell_state import EDITED, CellState
from gradesync.core.comparison import ComparedCell, Comparison
from gradesync.core.ledger import Decision, LedgerAssignment
from gradesync.core.reasons import Reason
from gradesync.db import audit, comparisons, decisions, history, ledger, links
from gradesync.db.comparisons import ComparisonState
from gradesync.errors import RequestRefused
from gradesync.sync.manual_links import Author

DecisionChoice: TypeAlias = Literal["put-back", "take", "stop", "resume"]


class SisEdit(NamedTuple):
    """Hold a score that somebody changed in the SIS, and what was chosen: None where nothing was."""

    cell: ComparedCell
    choice: str | None


class Edits(NamedTuple):
    """Hold the edits of a section; `titles` of assignments by id. `compared`: the newest comparison."""

    items: Sequence[SisEdit]
    titles: Mapping[str, str]
    compared: ComparisonState | None


class Chosen(NamedTuple):
    """Choose for one score: by its assignment's id and the student's key in the SIS."""

    assignment_id: str
    sis_student: str
    choice: DecisionChoice


async def list_edits(db: AsyncSession, section_id: str) -> Edits:
    """List the edits of a section: of the newest comparison, of syncs that asked, and decided ones."""
    entries = await ledger.load(db, section_id)
    link = await links.get(db, section_id)
    keys = link.remembered if link else {}
    compared = await comparisons.get_newest(db, section_id)
    found, written = Comparison((), {}), set[tuple[str, str]]()
    if compared is not None:
        found = await comparisons.load_cells(db, compared.id)
        since = compared.started_at or compared.requested_at
        written = await history.list_written(db, section_id, since)
    cells = [
        cell
        for cell in found.cells
        if _is_open(cell) and (cell.assignment_id, cell.sis_student) not in written
    ]
    for entry in entries.values():
        cells += _list_undecided(entry, keys)
    edits = {(cell.assignment_id, cell.sis_student): SisEdit(cell, None) for cell in cells}
    for entry in entries.values():
        for key, decision in entry.decisions.items():
            choice = None if decision.choice == "reopened" else decision.choice
            edits[entry.id, key] = SisEdit(_decided_cell(entry, key, decision), choice)
    titles = dict(found.titles) | {entry.id: entry.spec.name for entry in entries.values() if entry.spec}
    return Edits([edits[key] for key in sorted(edits)], titles, compared)


def _is_open(cell: ComparedCell) -> bool:
    """Return True for an edit that a full sync would overwrite: there is nothing to decide about others."""
    if not cell.student or cell.reason is not None or cell.state not in EDITED:
        return False
    # A blank takes back only what was sent (R6); where that drifted, the blank is none that a teacher made.
    return cell.wanted is not None or (cell.state is CellState.CONFLICT and cell.sent is not None)


def _list_undecided(entry: LedgerAssignment, keys: Mapping[str, str]) -> Iterator[ComparedCell]:
    """Yield the scores that syncs left alone until a person decides; `keys` are SIS keys by uid."""
    for uid, owed in entry.owed.items():
        if owed.reason == Reason.DRIFT_UNDECIDED and (key := keys.get(uid)):
            yield _cell(entry.id, key, Decision("put-back", uid, entry.sent.get(key), owed.held, owed.value))


def _decided_cell(entry: LedgerAssignment, key: str, decision: Decision) -> ComparedCell:
    """Return a score that was decided about, with what Schoology has wanted there since then."""
    owed = entry.owed.get(decision.student)
    return _cell(entry.id, key, decision if owed is None else decision._replace(wanted=owed.value))


def _cell(assignment_id: str, key: str, seen: Decision) -> ComparedCell:
    state = CellState.DRIFT if seen.wanted == seen.sent else CellState.CONFLICT
    return ComparedCell(assignment_id, seen.student, key, state, seen.sent, seen.live, seen.wanted)


async def record_decisions(
    db: AsyncSession, section_id: str, chosen: Sequence[Chosen], author: Author
) -> None:
    """Store decisions, with their author in the audit log.

    Raises `RequestRefused("drift-not-found")` for a score that nobody changed in the SIS, as far as is known.
    """
    edits = await list_edits(db, section_id)
    known = {(edit.cell.assignment_id, edit.cell.sis_student): edit.cell for edit in edits.items}
    for each in chosen:
        cell = known.get((each.assignment_id, each.sis_student))
        if cell is None:
            where = f"assignment {each.assignment_id}, SIS student {each.sis_student}"
            raise RequestRefused("drift-not-found", f"Nothing is known to have been changed at {where}.")
        await _record(db, section_id, each, cell)
    entries = [
        {
            "section": section_id,
            "assignment": each.assignment_id,
            "sis_student": each.sis_student,
            "choice": each.choice,
        }
        for each in chosen
    ]
    await audit.append_all(db, author.actor, "drift.decided", entries, author.source_ip)


async def _record(db: AsyncSession, section_id: str, chosen: Chosen, cell: ComparedCell) -> None:
    if chosen.choice == "resume":
        await decisions.drop(db, section_id, {cell.assignment_id: [cell.sis_student]})
        return
    decision = Decision(chosen.choice, cell.student, cell.sent, cell.live, cell.wanted)
    await decisions.add(db, section_id, cell.assignment_id, {cell.sis_student: decision})
